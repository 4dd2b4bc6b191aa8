package lambda

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// reserved tells whether Lambda refuses a variable of this name in a function's
// configuration. The access keys are reserved there too, but come from the
// function's role; here they have to be given.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func reserved(name string) bool {
	switch name {
	case "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV",
		"LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "TZ":
		return true
	}
	return strings.HasPrefix(name, "AWS_LAMBDA_")
}

// environ returns the environment of one worker process, sorted: what Lambda
// sets, and the function's own variables. Nothing is taken from the parent.
func (h *Host) environ(f Function, worker string) []string {
	env := map[string]string{
		// Lambda's defaults for names that are not reserved.
		"PATH": "/usr/local/bin:/usr/bin:/bin",
		"LANG": "en_US.UTF-8",
	}
	for k, v := range f.Env {
		env[k] = v
	}
	for k, v := range map[string]string{
		"_HANDLER":                        "bootstrap",
		"TZ":                              ":UTC",
		"LAMBDA_TASK_ROOT":                filepath.Dir(f.Binary),
		"AWS_REGION":                      h.cfg.Region,
		"AWS_DEFAULT_REGION":              h.cfg.Region,
		"AWS_LAMBDA_RUNTIME_API":          h.cfg.BaseAddr() + "/" + f.Name + "/" + worker,
		"AWS_LAMBDA_FUNCTION_NAME":        f.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + f.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      time.Now().UTC().Format("2006/01/02/") + "[" + version + "]" + worker,
		"AWS_LAMBDA_LOG_FORMAT":           "JSON",
		"AWS_LAMBDA_LOG_LEVEL":            f.LogLevel,
	} {
		env[k] = v
	}
	list := make([]string, 0, len(env))
	for k, v := range env {
		list = append(list, k+"="+v)
	}
	slices.Sort(list)
	return list
}
