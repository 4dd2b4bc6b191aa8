package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/spf13/cobra"

	"emodrop/cmd/emodrop/reach"
	"emodrop/shared/job"
)

func (p *program) getCommand() *cobra.Command {
	var to, output string
	var force bool
	cmd := p.command(verb{
		use:   "get NAME|ID...",
		short: text{"Fetch finished films", "下载已完成的视频"},
		long: text{"Each film is checked against its record before it stands under its name; the path is printed.",
			"每个视频都会与记录核对，确认无误后才以其名称保存；输出其路径。"},
		example: "  emodrop get anna\n  emodrop get courses/intro courses/outro --to films\n  emodrop get anna -o - | ffprobe -",
		least:   1, most: -1, offers: p.names(hasFilm),
		run: func(cmd *cobra.Command, args []string) error {
			if output != "" && (len(args) > 1 || cmd.Flags().Changed("to")) {
				return p.usage("--output takes one film, and goes without --to", "--output 只用于一个视频，且不能与 --to 同用")
			}
			if output == "-" && p.json {
				return p.usage("--output - and --json would mix film and text", "--output - 与 --json 会混在一起")
			}
			st, err := p.stack(cmd.Context())
			if err != nil {
				return err
			}
			return p.each(cmd.Context(), args, func(a string) error {
				j, err := p.lookUp(cmd.Context(), st, a)
				if err != nil {
					return err
				}
				return p.fetch(cmd.Context(), st, j, to, output, force)
			})
		},
	})
	fl := cmd.Flags()
	fl.StringVar(&to, "to", ".", p.pick("folder to put films into", "保存到的目录"))
	fl.StringVarP(&output, "output", "o", "", p.pick("file for the film; - is standard output", "保存到的文件；- 表示标准输出"))
	fl.BoolVar(&force, "force", false, p.pick("replace another file of that name", "覆盖已有的同名文件"))
	return cmd
}

// fetched is a film as programs are told of it.
type fetched struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

func (p *program) fetch(ctx context.Context, st *reach.Stack, j job.Job, dir, output string, force bool) error {
	switch {
	case j.Film != nil && j.State != job.Succeeded:
		// One that did not fit its request: a person looks before deciding.
		p.say("%s", "%s", p.failed(j).Error())
	case j.Film != nil:
	case j.State.Final(), j.State == job.Held:
		return p.failed(j)
	default:
		return p.problem(exitOther, "not_done", "“%s” is not done yet: %s.", "“%s”尚未完成：%s。", "Wait for it: emodrop watch.", "等待完成：emodrop watch。",
			oneLine(j.Name.String()), p.state(j.State, false))
	}
	if output == "-" {
		return p.download(ctx, st, j, p.stdout)
	}
	target := output
	if target == "" {
		name := path.Base(j.Film.Key)
		if !filepath.IsLocal(name) {
			return p.usage("“%s” cannot be a file's name here; give one: --output FILE", "“%s”不能用作文件名，请指定：--output FILE", oneLine(name))
		}
		target = filepath.Join(dir, name)
	}
	sum, err := sumOf(target)
	switch {
	case err == nil && sum == j.Film.SHA256:
		p.say("%s is there already", "%s 已存在", target)
	case err == nil && !force:
		return p.problem(exitOther, "file_exists", "%s is another file.", "%s 是另一个文件。", "Replace it: --force. Or put the film elsewhere: --to DIR.", "覆盖：--force；或保存到其他目录：--to DIR。", target)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	default:
		if err := p.save(ctx, st, j, target); err != nil {
			return err
		}
	}
	if p.json {
		p.line(fetched{j.ID, j.Name.String(), target, j.Film.Size, j.Film.SHA256})
	} else {
		p.print("%s\n", target)
	}
	return nil
}

// save puts the film under its name when it is whole, not before.
func (p *program) save(ctx context.Context, st *reach.Stack, j job.Job, target string) (err error) {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(target), ".emodrop-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	err = p.download(ctx, st, j, f)
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), target)
	}
	return err
}

// download writes the film and checks it on the way.
func (p *program) download(ctx context.Context, st *reach.Stack, j job.Job, to io.Writer) error {
	out, err := st.Files.GetObject(ctx, &s3.GetObjectInput{Bucket: &st.Outbox, Key: &j.Film.Key})
	var gone *types.NoSuchKey
	if errors.As(err, &gone) {
		return p.problem(exitOther, "film_gone", "The film of “%s” is no longer in the outbox.", "“%s”的视频已不在成品桶中。",
			"Somebody deleted or moved it; an older version may be brought back in the bucket. Made anew it is charged again: emodrop retry.",
			"可能已被删除或移动；可在桶中恢复旧版本。重新制作会再次计费：emodrop retry。", oneLine(j.Name.String()))
	}
	if err != nil {
		return fmt.Errorf("fetch the film: %w", err)
	}
	defer func() { _ = out.Body.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(to, sum), out.Body); err != nil {
		return fmt.Errorf("fetch the film: %w", err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != j.Film.SHA256 {
		return p.problem(exitOther, "film_differs", "What is in the outbox under “%s” is not the film that was put there.", "成品桶中“%s”的内容与记录不符。",
			"Somebody replaced it: look at the object's older versions.", "可能已被替换：请查看该对象的旧版本。", oneLine(j.Film.Key))
	}
	return nil
}

// sumOf is the SHA-256 of a file in hex.
func sumOf(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
