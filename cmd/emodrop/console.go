package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/spf13/cobra"

	"emodrop/cmd/emodrop/reach"
	"emodrop/local/console"
	"emodrop/shared/job"
)

// lookEvery is how often an open page has the table of a stack in the cloud looked at:
// every look is charged.
const lookEvery = 5 * time.Second

func (p *program) consoleCommand() *cobra.Command {
	var port int
	var noOpen bool
	cmd := p.command(verb{
		use:   "console",
		short: text{"Open a page about a stack, until Ctrl-C", "打开部署的网页界面，直到按下 Ctrl-C"},
		long: text{"Hand in, watch, search, play films, cancel, retry and decide in a browser. The page is served on loopback only and uses your own AWS\n" +
			"credentials; nothing is opened in the cloud for it. An open page reads the table every 5 s, and only what it shows.",
			"在浏览器中提交、查看、查找、播放、取消、重试和处理。页面仅在本机提供，使用您自己的 AWS 凭证，不会在云端开放任何入口。\n" +
				"页面打开时每 5 秒读取一次任务表，且只读取所显示的内容。"},
		example: "  emodrop console --stack emodrop --region ap-northeast-1\n  emodrop console --stack emodrop --port 8080 --no-open",
		run: func(cmd *cobra.Command, _ []string) error {
			if port < 0 || port > 65535 {
				return p.usage("--port %d: want 0 to 65535", "--port %d：应为 0 至 65535", port)
			}
			st, err := p.stack(cmd.Context())
			if err != nil {
				return err
			}
			return p.console(cmd.Context(), st, port, !noOpen)
		},
	})
	cmd.Flags().IntVar(&port, "port", 0, p.pick("port on loopback (default: a free one)", "本机端口（默认任选空闲端口）"))
	cmd.Flags().BoolVar(&noOpen, "no-open", false, p.pick("do not open the page in a browser", "不在浏览器中打开页面"))
	return cmd
}

// console serves the page of a stack until ctx ends.
func (p *program) console(ctx context.Context, st *reach.Stack, port int, open bool) error {
	// A wrong key or a missing right is told here, not on an empty page.
	if _, err := st.Jobs.Gate(ctx); err != nil {
		return err
	}
	spool, err := os.MkdirTemp("", "emodrop-console-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(spool) }()
	page, err := p.page(ctx, st, spool, lookEvery)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return fmt.Errorf("%w; --port 0 takes a free one", err)
	}
	srv := &http.Server{Handler: page, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	url := "http://" + ln.Addr().String()
	if p.json {
		p.line(map[string]string{"url": url})
	} else {
		p.print("%s\n", url)
	}
	p.say("the page of %s; Ctrl-C ends it", "%s 的网页界面；按 Ctrl-C 结束", st.Name)
	if open {
		openPage(url)
	}
	select {
	case <-ctx.Done():
	case err := <-served:
		return err
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = srv.Shutdown(end) // a film that is still being read is cut off after that
	_ = srv.Close()
	return nil
}

// page is the page of a stack, whose table an open page looks at every so often.
func (p *program) page(ctx context.Context, st *reach.Stack, spool string, every time.Duration) (http.Handler, error) {
	o, err := p.operator(st)
	if err != nil {
		return nil, err
	}
	c := console.Config{Jobs: st.Jobs, HandIns: st.Jobs, Labels: st.Jobs, OpenResult: openFilm(st), Operate: o, Held: o, Name: st.Name, Inbox: st.Inbox, Outbox: st.Outbox,
		Simulated: st.Local, Ratio: st.Ratio, Profile: job.EMO(), SpoolDir: spool, Context: ctx, Every: every,
		Log: slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		HandIn: func(ctx context.Context, key string, body io.Reader) error {
			_, err := st.Files.PutObject(ctx, &s3.PutObjectInput{Bucket: &st.Inbox, Key: &key, Body: body})
			return err
		}}
	if p.json {
		c.Log = nil
	}
	return console.New(c)
}

// openFilm opens a film in the outbox: what is read is asked for as it is needed.
func openFilm(st *reach.Stack) func(context.Context, string) (io.ReadSeekCloser, console.Object, error) {
	return func(ctx context.Context, key string) (io.ReadSeekCloser, console.Object, error) {
		out, err := st.Files.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &st.Outbox, Key: &key})
		var gone *types.NotFound
		if errors.As(err, &gone) {
			return nil, console.Object{}, job.ErrNotFound
		}
		if err != nil {
			return nil, console.Object{}, fmt.Errorf("open a film: %w", err)
		}
		o := console.Object{Size: aws.ToInt64(out.ContentLength), ContentType: aws.ToString(out.ContentType), ETag: aws.ToString(out.ETag),
			Modified: aws.ToTime(out.LastModified)}
		return &remote{ctx: ctx, st: st, key: key, etag: o.ETag, size: o.Size}, o, nil
	}
}

// remote is an object that is read from wherever one has sought to, in one request for
// each place. The object has to stay the same meanwhile.
type remote struct {
	ctx       context.Context // of the request that opened it
	st        *reach.Stack
	key, etag string
	at, size  int64
	body      io.ReadCloser // from at on; nil when nothing has been asked for there
}

func (r *remote) Read(b []byte) (int, error) {
	if r.at >= r.size {
		return 0, io.EOF
	}
	if r.body == nil {
		out, err := r.st.Files.GetObject(r.ctx, &s3.GetObjectInput{Bucket: &r.st.Outbox, Key: &r.key, IfMatch: &r.etag,
			Range: aws.String(fmt.Sprintf("bytes=%d-", r.at))})
		if err != nil {
			return 0, fmt.Errorf("read a film: %w", err)
		}
		r.body = out.Body
	}
	n, err := r.body.Read(b)
	r.at += int64(n)
	return n, err
}

func (r *remote) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning")
	}
	if offset != r.at {
		_ = r.Close()
		r.at = offset
	}
	return offset, nil
}

func (r *remote) Close() error {
	if r.body == nil {
		return nil
	}
	err := r.body.Close()
	r.body = nil
	return err
}
