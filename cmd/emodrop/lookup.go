package main

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"emodrop/cmd/emodrop/reach"
	"emodrop/local/lookup"
	"emodrop/shared/job"
)

const (
	// recentDays is how far back a part of an id is looked for.
	recentDays = 7
	// recentJobs is among how many.
	recentJobs = 1000
)

var (
	wholeID = regexp.MustCompile(`^[0-9a-f]{32}$`)
	partID  = regexp.MustCompile(`^[0-9a-f]{4,31}$`)
)

// lookUp finds the job that a person means: by its id, by the name of its hand-in
// (the newest job of that name), or by the beginning of an id of the last days.
func (p *program) lookUp(ctx context.Context, st *reach.Stack, arg string) (job.Job, error) {
	if wholeID.MatchString(arg) {
		j, err := st.Jobs.Job(ctx, arg)
		if !errors.Is(err, job.ErrNotFound) {
			return j, err
		}
	}
	stem, err := st.Jobs.Stem(ctx, lookup.Name(arg))
	if err != nil {
		return job.Job{}, err
	}
	if stem.Job != "" {
		j, err := st.Jobs.Job(ctx, stem.Job)
		if !errors.Is(err, job.ErrNotFound) {
			return j, err
		}
	}
	if partID.MatchString(arg) {
		ids, _, err := st.Jobs.Page(ctx, time.Time{}, time.Now().AddDate(0, 0, -recentDays), recentJobs)
		if err != nil {
			return job.Job{}, err
		}
		var found []string
		for _, id := range ids {
			if strings.HasPrefix(id, arg) {
				found = append(found, id)
			}
		}
		switch len(found) {
		case 0:
		case 1:
			return st.Jobs.Job(ctx, found[0])
		default:
			return job.Job{}, p.problem(exitUsage, "ambiguous", "Several jobs begin with %s: %s.", "有多个任务以 %s 开头：%s。",
				"Give more of the id.", "请提供更长的 ID。", arg, strings.Join(found, ", "))
		}
	}
	switch {
	case stem.Job == "" && stem.Image != nil && stem.Audio == nil:
		return job.Job{}, p.problem(exitOther, "not_found", "“%s” has a picture and waits for a recording of the same name.", "“%s”已有图片，正在等待同名的录音。",
			"Hand the recording in.", "请提交录音。", oneLine(stem.Name.String()))
	case stem.Job == "" && stem.Audio != nil && stem.Image == nil:
		return job.Job{}, p.problem(exitOther, "not_found", "“%s” has a recording and waits for a picture.", "“%s”已有录音，正在等待图片。",
			"Hand a picture of the same name in.", "请提交同名的图片。", oneLine(stem.Name.String()))
	case stem.Job == "" && stem.Audio != nil:
		return job.Job{}, p.problem(exitOther, "not_found", "“%s” has just been handed in and is not a job yet.", "“%s”刚刚提交，尚未成为任务。",
			"Look again in a few seconds.", "请几秒后再查看。", oneLine(stem.Name.String()))
	}
	return job.Job{}, p.problem(exitOther, "not_found", "There is no job “%s”.", "没有任务“%s”。",
		"See which there are: emodrop list.", "用 emodrop list 查看已有的任务。", oneLine(arg))
}

// records reads jobs of a stack, in their order.
func records(ctx context.Context, st *reach.Stack, ids []string) ([]job.Job, error) {
	return lookup.Read(ctx, st.Jobs, ids)
}

// deep is how far into the queue a place is looked for.
const deep = 1000

// queue gives the queued jobs' places, from 1.
func queue(ctx context.Context, st *reach.Stack) (map[string]int, error) {
	ids, err := st.Jobs.Queue(ctx, deep)
	if err != nil {
		return nil, err
	}
	places := make(map[string]int, len(ids))
	for i, id := range ids {
		places[id] = i + 1
	}
	return places, nil
}
