package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"emodrop/local/sample"
	"emodrop/local/stack"
	"emodrop/shared/job"
	"emodrop/shared/media"
)

func (p *program) demoCommand() *cobra.Command {
	f := &stackFlags{}
	var within time.Duration
	cmd := &cobra.Command{
		Use:   "demo",
		Short: p.pick("Take a sample pair from drop to film, check the film, and end", "用示例文件制作一段视频，检查后结束"),
		Long: p.pick("Starts the stack in a folder of its own, drops a drawn portrait and a few seconds of speech, shows how they\n"+
			"become a film, checks it, prints where it is and ends.",
			"在单独的目录中启动整个系统，放入一张绘制的人像和几秒语音，显示生成视频的过程，检查视频，输出其位置后结束。"),
		Example: "  emodrop demo\n  emodrop demo --home /tmp/try --speed 1",
		Args:    p.arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.fresh = true
			if within <= 0 {
				return p.usage("--within %s: want a time such as 3m", "--within %s：应为时长，例如 3m", within)
			}
			if err := p.ownFolder(f.home); err != nil {
				return err
			}
			cfg, err := f.config(cmd.Context(), p)
			if err != nil {
				return err
			}
			cfg.Say = p.talk()
			ctx, cancel := context.WithTimeoutCause(cmd.Context(), within, p.problem(exitTimeout, "timeout",
				"There is no film after %s.", "%s 后仍没有视频。", "--within allows more.", "可用 --within 延长等待。", within))
			defer cancel()
			err = p.demo(ctx, cfg)
			if err != nil && cmd.Context().Err() == nil && ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return err
		},
	}
	f.add(p, cmd, filepath.Join(".emodrop", "demo"))
	cmd.Flags().DurationVar(&within, "within", 3*time.Minute, p.pick("how long to wait for the film", "等待视频的最长时间"))
	return cmd
}

// made is the demonstration's film as programs are told of it. PriceCNY is what the real
// service would have charged.
type made struct {
	Path     string  `json:"path"`
	Seconds  float64 `json:"seconds"`
	Width    int     `json:"width"`
	Height   int     `json:"height"`
	Size     int64   `json:"size"`
	PriceCNY string  `json:"price_cny"`
}

// pair is what the demonstration drops.
func pair() map[string][]byte {
	return map[string][]byte{"hello.jpg": sample.Portrait(), "hello.wav": sample.Speech()}
}

// ownFolder refuses a folder where somebody else's files or films are: the demonstration
// forgets all that was there before it.
func (p *program) ownFolder(home string) error {
	others := func(dir string, own func(name, path string) bool) error {
		entries, _ := os.ReadDir(filepath.Join(home, dir)) // a folder that is not there holds nothing
		for _, e := range entries {
			if path := filepath.Join(home, dir, e.Name()); !own(e.Name(), path) {
				return p.usage("--home %s: want a folder of its own; the demonstration would forget what is there, such as %s",
					"--home %s：应为单独的目录；演示会清除其中的内容，例如 %s", oneLine(home), oneLine(filepath.Join(dir, e.Name())))
			}
		}
		return nil
	}
	if err := others("drop", func(name, path string) bool {
		body, err := os.ReadFile(path)
		return err == nil && len(body) > 0 && bytes.Equal(body, pair()[name])
	}); err != nil {
		return err
	}
	return others("videos", func(name, _ string) bool { return strings.HasPrefix(name, "hello.") })
}

// demo runs one sample pair through a stack of its own.
func (p *program) demo(ctx context.Context, cfg stack.Config) (err error) {
	for name := range pair() {
		if err := os.Remove(filepath.Join(cfg.Home, "drop", name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	s, err := stack.Start(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		if e := s.Close(end); err == nil {
			err = e
		}
	}()
	cfg.Say(fmt.Sprintf(p.pick("a drawn portrait and a few seconds of speech go into %s", "一张绘制的人像和几秒语音放入 %s"), filepath.Join(cfg.Home, "drop")))
	begin := time.Now()
	name := job.Name{Stem: "hello"}
	for file, body := range pair() {
		if err := os.WriteFile(filepath.Join(cfg.Home, "drop", file), body, 0o644); err != nil {
			return err
		}
	}
	j, err := s.Await(ctx, name)
	if err != nil {
		return err
	}
	if j.State != job.Succeeded {
		return p.failed(j)
	}
	path := filepath.Join(cfg.Home, filepath.FromSlash(j.Film.Key))
	if err := checkFilm(path, sample.SpeechDuration()); err != nil {
		return p.problem(exitJobFailed, "film_unsound", "%s is not the film of what was dropped: %v.", "%s 不是所放入文件的视频：%v。",
			"See what the functions say: --verbose.", "请用 --verbose 查看各函数的日志。", path, err)
	}
	if p.json {
		p.line(made{path, j.Film.Seconds, j.Film.Width, j.Film.Height, j.Film.Size, j.Billed.Decimal()})
		return nil
	}
	p.print("\n%s\n  "+p.pick("%.2f s, %d×%d, %d bytes, with sound; made in %s; it would have cost %s", "%.2f 秒，%d×%d，%d 字节，有声音；制作用时 %s；真实费用约 %s")+"\n",
		path, j.Film.Seconds, j.Film.Width, j.Film.Height, j.Film.Size, time.Since(begin).Round(100*time.Millisecond), j.Billed)
	return nil
}

// checkFilm checks the file that a person would play.
func checkFilm(path string, want time.Duration) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	m, err := media.ReadMP4(f, info.Size())
	if err != nil {
		return err
	}
	switch {
	case m.Audio == nil:
		return errors.New("the film has no sound")
	case (m.Duration - want).Abs() > 100*time.Millisecond:
		return fmt.Errorf("the film lasts %s, the recording %s", m.Duration, want)
	case m.Video.Width != 512 || m.Video.Height != 512 && m.Video.Height != 704:
		return fmt.Errorf("the film is %d×%d", m.Video.Width, m.Video.Height)
	}
	return nil
}
