package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/spf13/cobra"

	"emodrop/cmd/emodrop/reach"
	"emodrop/shared/job"
	"emodrop/shared/media"
)

// sending is how a person wants files handed in.
type sending struct {
	folder          string
	dry, yes, watch bool
	timeout         time.Duration
}

func (p *program) sendFlags(cmd *cobra.Command) *sending {
	s := &sending{}
	fl := cmd.Flags()
	fl.StringVar(&s.folder, "folder", "", p.pick("folder of the inbox, and of the films", "收件桶中的文件夹，也是视频所在的文件夹"))
	fl.BoolVar(&s.dry, "dry-run", false, p.pick("check, price and show; send nothing", "只检查、计价并显示，不提交"))
	fl.BoolVarP(&s.yes, "yes", "y", false, p.pick("do not ask before it may cost money", "产生费用前不再询问"))
	fl.BoolVar(&s.watch, "watch", false, p.pick("follow the films until they are done", "跟踪直到视频完成"))
	fl.DurationVar(&s.timeout, "timeout", 0, p.pick("with --watch: how long to wait at most", "与 --watch 同用：最长等待时间"))
	return s
}

// check refuses flags that make no sense together.
func (s *sending) check(p *program) (err error) {
	switch {
	case s.timeout < 0:
		return p.usage("--timeout must not be negative", "--timeout 不能为负")
	case s.timeout > 0 && !s.watch:
		return p.usage("--timeout goes with --watch", "--timeout 需与 --watch 同用")
	case s.dry && s.watch:
		return p.usage("--dry-run sends nothing that --watch could follow", "--dry-run 不提交任何内容，无法 --watch")
	}
	s.folder, err = p.folderOf(s.folder)
	return err
}

func (p *program) submitCommand() *cobra.Command {
	var s *sending
	var name, options string
	cmd := p.command(verb{
		use:   "submit IMAGE AUDIO...",
		short: text{"Hand a portrait and recordings in", "提交一张人像和若干录音"},
		long: text{"Each recording makes a film of its own, under the recording's name. The files are checked as the inbox will check\n" +
			"them, and the price is shown, before anything is sent. The same hand-in a second time makes no second film.\n" +
			"Options come from --options, or from NAME.json beside the recording NAME or beside the picture (docs/hand-in.md).",
			"每段录音生成一个以其命名的视频。提交之前会按收件桶的规则检查文件并显示费用。相同的内容再次提交不会重复制作。\n" +
				"选项取自 --options，或录音（或图片）旁与录音同名的 .json 文件（参见 docs/hand-in.zh-CN.md）。"},
		example: "  emodrop submit anna.jpg anna.mp3\n  emodrop submit anna.jpg intro.mp3 outro.wav --folder courses/week1 --yes\n  emodrop submit anna.jpg anna.mp3 --dry-run --json\n  emodrop submit anna.jpg anna.mp3 --options calm.json\n  emodrop submit anna.jpg anna.mp3 --watch --timeout 30m",
		least:   2, most: -1,
		run: func(cmd *cobra.Command, args []string) error {
			if err := s.check(p); err != nil {
				return err
			}
			if name != "" && len(args) > 2 {
				return p.usage("--name names one film; there are %d recordings", "--name 只能用于一个视频，当前有 %d 段录音", len(args)-1)
			}
			if options != "" {
				if info, err := os.Stat(options); err != nil || info.IsDir() {
					return p.usage("--options %s: want a file that there is", "--options %s：应为存在的文件", oneLine(options))
				}
			}
			var all []*handIn
			names := map[job.Name]string{}
			for _, recording := range args[1:] {
				h, err := p.pairOf(args[0], recording, options, s.folder, name)
				if err != nil {
					return err
				}
				if other, twice := names[h.name]; twice {
					return p.usage("%s and %s would make films of one name", "%s 与 %s 会生成同名的视频", oneLine(other), oneLine(recording))
				}
				names[h.name] = recording
				all = append(all, h)
			}
			st, err := p.stack(cmd.Context())
			if err != nil {
				return err
			}
			if err := p.plan(cmd.Context(), st, all); err != nil {
				return err
			}
			for _, h := range all {
				// Few files, one wish: all or nothing.
				if h.unmade() != nil {
					if p.json {
						return p.refusal(h)
					}
					p.announce(st, all, true)
					return p.problem(exitJobFailed, h.unmade().Code, "Nothing was sent.", "未提交任何内容。", "", "")
				}
			}
			return p.send(cmd.Context(), st, all, s, nil)
		},
	})
	cmd.ValidArgsFunction = nil // files
	s = p.sendFlags(cmd)
	cmd.Flags().StringVar(&name, "name", "", p.pick("the film's name (default: the recording's)", "视频名称（默认与录音同名）"))
	cmd.Flags().StringVar(&options, "options", "", p.pick("JSON file of options for all of them (default: NAME.json beside a recording)", "用于全部录音的选项文件，JSON 格式（默认取录音旁的同名 .json）"))
	return cmd
}

func (p *program) batchCommand() *cobra.Command {
	var s *sending
	cmd := p.command(verb{
		use:   "batch DIR|MANIFEST",
		short: text{"Hand a folder of pairs, or a manifest with its files, in", "提交整个文件夹，或清单及其所列文件"},
		long: text{"Pairs the files of DIR, and of the folders below it, as the inbox does: by name, or with the folder's portrait.\n" +
			"What is unusable is shown and left out. Folders whose name begins with _ or a dot are passed over.\n" +
			"MANIFEST (NAME.jobs.csv or NAME.jobs.jsonl, docs/hand-in.md) is a row for each film. It is checked with all files that its\n" +
			"rows name, and sent whole or not at all: first the files that lie beside it, as its rows name them, then the manifest.\n" +
			"What a row names and is not here has to be in the inbox already. Its files lie in folders whose name begins with _.",
			"按收件桶的规则为 DIR 及其子文件夹中的文件配对：同名配对，或使用文件夹中的 portrait 图片。不可用的会显示并跳过。\n名称以 _ 或点开头的文件夹不处理。\n" +
				"MANIFEST（名称.jobs.csv 或 名称.jobs.jsonl，参见 docs/hand-in.zh-CN.md）每行一个视频。清单与各行所列文件先整体检查，要么全部提交，\n" +
				"要么全部不提交：先上传清单旁的文件，再上传清单。本机没有的文件必须已在收件桶中。清单所用文件放在名称以 _ 开头的文件夹中。"},
		example: "  emodrop batch week1 --dry-run\n  emodrop batch week1 --folder courses/week1 --yes --watch\n  emodrop batch week1.jobs.csv --folder courses --dry-run",
		least:   1, most: 1,
		run: func(cmd *cobra.Command, args []string) error {
			if err := s.check(p); err != nil {
				return err
			}
			info, err := os.Stat(args[0])
			switch {
			case err != nil:
				return p.unreadable(args[0], err)
			case !info.IsDir() && isManifest(args[0]):
				return p.batchManifest(cmd, args[0], s)
			case !info.IsDir():
				return p.usage("%s is neither a folder nor a manifest (NAME.jobs.csv, NAME.jobs.jsonl); a single pair goes in by emodrop submit",
					"%s 既不是文件夹也不是清单（名称.jobs.csv、名称.jobs.jsonl）；单个配对请用 emodrop submit", oneLine(args[0]))
			}
			found, err := scan(args[0], s.folder)
			if err != nil {
				return err
			}
			for _, f := range found.unknown {
				p.leftOut(f, job.CodeUnknownFile, "no picture and no recording; left out", "不是图片或录音，已跳过")
			}
			for _, f := range found.links {
				p.leftOut(f, job.CodeUnknownFile, "a link that leads to no file; left out", "链接未指向文件，已跳过")
			}
			for _, f := range found.manifests {
				p.leftOut(f, "manifest", "a manifest; it goes in by emodrop batch MANIFEST", "清单，请用 emodrop batch MANIFEST 提交")
			}
			for _, f := range found.halves {
				p.leftOut(f, "half_pair", "its other half is missing; left out", "缺少配对的另一半，已跳过")
			}
			if len(found.pairs) == 0 {
				return p.problem(exitUsage, "no_pairs", "%s holds no pair of a picture and a recording.", "%s 中没有成对的图片和录音。",
					"Give both files one name, or put a portrait.jpg beside the recordings.", "请让两个文件同名，或在录音旁放一张 portrait.jpg。", args[0])
			}
			st, err := p.stack(cmd.Context())
			if err != nil {
				return err
			}
			if err := p.plan(cmd.Context(), st, found.pairs); err != nil {
				return err
			}
			return p.whole(found.pairs, p.send(cmd.Context(), st, found.pairs, s, nil))
		},
	})
	s = p.sendFlags(cmd)
	return cmd
}

// whole is how the sending of many ended: not well when no film comes of some of them.
func (p *program) whole(all []*handIn, err error) error {
	for _, h := range all {
		if err == nil && h.unmade() != nil {
			return p.problem(exitJobFailed, h.unmade().Code, "Not everything could be used.", "部分文件不可用。", "See above for each file.", "详见上文。")
		}
	}
	return err
}

// leftOut tells of a file that is not handed in.
func (p *program) leftOut(path, code, en, zh string) {
	if p.json {
		p.line(map[string]any{"path": path, "upload": false, "problem": p.problem(0, code, en, zh, "", "")})
	}
	p.say("  %s: %s", "  %s：%s", oneLine(path), p.pick(en, zh))
}

// send asks, uploads and, if that is wanted, follows. m is the manifest whose rows these
// are; nil when they are none's.
func (p *program) send(ctx context.Context, st *reach.Stack, all []*handIn, s *sending, m *manifest) error {
	films, total := p.announce(st, all, s.dry)
	if s.dry {
		return nil
	}
	var ids []string
	for _, h := range all {
		if h.refused() == nil {
			ids = append(ids, h.id)
		}
	}
	if films > 0 {
		if err := p.confirm(st, s.yes, fmt.Sprintf(p.pick("Films: %d, for about %s. Send?", "视频：%d 个，费用约 %s。是否提交？"), films, total)); err != nil {
			return err
		}
		if err := p.upload(ctx, st, stagesOf(all, m)); err != nil {
			return err
		}
		if m != nil {
			p.say("what comes of its rows: s3://%s/%s", "各行结果：s3://%s/%s", st.Outbox, oneLine(m.results))
		}
	}
	for _, h := range all {
		switch {
		case !h.wanted():
		case p.json:
			p.line(h.line())
		case !s.watch:
			p.print("%s\t%s\n", h.id, oneLine(h.name.String()))
		}
	}
	if g, err := st.Jobs.Gate(ctx); err == nil && g.Closed != nil && films > 0 {
		p.say("%s", "%s", strings.TrimSpace(p.gateText(g, false)))
	}
	if !s.watch || len(ids) == 0 {
		return nil
	}
	begin := time.Now()
	if err := p.arrived(ctx, st, all, s.timeout); err != nil {
		return err
	}
	if s.timeout > 0 {
		s.timeout = max(s.timeout-time.Since(begin), time.Millisecond)
	}
	return p.follow(ctx, st, ids, s.timeout, 0)
}

// confirm asks a person before it may cost money. Where nobody can be asked, --yes
// has to be given; what is simulated costs nothing.
func (p *program) confirm(st *reach.Stack, yes bool, question string) error {
	switch {
	case yes || st.Simulated:
		return nil
	case p.json || !isTerminal(p.stdin):
		return p.problem(exitUsage, "not_confirmed", "This may cost money, and nobody can be asked.", "此操作可能产生费用，而当前无法询问。",
			"Look with --dry-run, then give --yes.", "请先用 --dry-run 查看，再加 --yes。")
	}
	p.mu.Lock()
	fmt.Fprintf(p.stderr, "%s [y/N] ", question)
	p.mu.Unlock()
	answer, _ := bufio.NewReader(p.stdin).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes", "是":
		return nil
	}
	return p.problem(exitOther, "not_confirmed", "Nothing was sent.", "未提交任何内容。", "", "")
}

// uploads is how many files are sent at a time.
const uploads = 4

// stagesOf are the files of what is wanted, each once, in the order in which they go:
// options and pictures before recordings, so that no recording is taken with older ones.
// With a manifest they are those of all its rows, for it is read whole: of a row that was
// made before, a file that is not there would be told to be missing.
func stagesOf(all []*handIn, m *manifest) [][]*file {
	stages := make([][]*file, 2)
	seen := map[*file]bool{}
	add := func(stage int, f *file) {
		if f.here() && !seen[f] {
			seen[f] = true
			stages[stage] = append(stages[stage], f)
		}
	}
	for _, h := range all {
		if m == nil && !h.wanted() {
			continue
		}
		if m == nil && h.sidecar != nil {
			add(0, h.sidecar)
		}
		add(0, h.image)
		add(1, h.audio)
	}
	if m != nil {
		stages = append(stages, []*file{m.file})
	}
	return stages
}

// upload puts files into the inbox, one stage after the other.
func (p *program) upload(ctx context.Context, st *reach.Stack, stages [][]*file) error {
	sent, whole := 0, 0
	for _, files := range stages {
		whole += len(files)
	}
	for _, files := range stages {
		ctx, cancel := context.WithCancelCause(ctx)
		var wg sync.WaitGroup
		places := make(chan struct{}, uploads)
		for _, f := range files {
			places <- struct{}{}
			wg.Go(func() {
				defer func() { <-places }()
				if ctx.Err() != nil {
					return
				}
				if err := p.put(ctx, st, f); err != nil {
					cancel(fmt.Errorf("hand %s in: %w", f.path, err))
					return
				}
				p.progress(&sent, whole)
			})
		}
		wg.Wait()
		err := context.Cause(ctx)
		cancel(nil)
		if err != nil {
			return err
		}
	}
	return nil
}

// progress counts on a terminal.
func (p *program) progress(sent *int, whole int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*sent++
	if p.live(p.stderr) {
		end := ""
		if *sent == whole {
			end = "\n"
		}
		fmt.Fprintf(p.stderr, "\r"+p.pick("sent %d of %d files", "已上传 %d / %d 个文件")+"%s", *sent, whole, end)
	}
}

func (p *program) put(ctx context.Context, st *reach.Stack, f *file) error {
	body, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	kind := contentType(f)
	_, err = st.Files.PutObject(ctx, &s3.PutObjectInput{Bucket: &st.Inbox, Key: &f.key, Body: body, ContentLength: aws.Int64(f.in.Size),
		ContentType: &kind})
	return err
}

// contentType is a file's; of what is sent only options and manifests are no media.
func contentType(f *file) string {
	switch strings.ToLower(filepath.Ext(f.path)) {
	case ".csv":
		return "text/csv; charset=utf-8" // https://www.rfc-editor.org/rfc/rfc4180
	case ".jsonl":
		return "application/jsonl" // by its convention, https://jsonlines.org
	case ".json":
		return "application/json"
	}
	return media.Format(f.in.Format).ContentType()
}

// arrived waits until what was uploaded has become jobs, or has revived them.
func (p *program) arrived(ctx context.Context, st *reach.Stack, all []*handIn, timeout time.Duration) error {
	if timeout == 0 {
		// An event that is lost is found by the sweep, within a quarter of an hour.
		timeout = 20 * time.Minute
	}
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		missing := 0
		for _, h := range all {
			if !h.wanted() {
				continue
			}
			j, err := st.Jobs.Job(bounded, h.id)
			switch {
			case errors.Is(err, job.ErrNotFound), err == nil && h.old != nil && j.Rev <= h.old.Rev:
				missing++
			case err != nil && bounded.Err() == nil:
				return err
			}
		}
		if missing == 0 && bounded.Err() == nil {
			return nil
		}
		select {
		case <-bounded.Done():
			if ctx.Err() != nil {
				p.say("The files are handed in and the jobs go on. Follow them: emodrop watch", "文件已提交，任务会继续。继续跟踪：emodrop watch")
				return ctx.Err()
			}
			return p.problem(exitTimeout, "timeout", "After %s not everything has become a job; it goes on.", "%s 后仍未全部成为任务；会继续处理。",
				"See whether events arrive: emodrop doctor.", "检查事件是否正常：emodrop doctor。", timeout)
		case <-tick.C:
		}
	}
}
