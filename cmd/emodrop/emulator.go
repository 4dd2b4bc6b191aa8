package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"emodrop/local/console"
	"emodrop/local/emo"
	"emodrop/local/stack"
)

func (p *program) emulatorCommand() *cobra.Command {
	var (
		addr, key, dir, faults string
		push                   emo.Push
		speed                  float64
		slots                  int
		verbose                bool
	)
	cmd := &cobra.Command{
		Use:   "emulator",
		Short: p.pick("Run the emulator of DashScope EMO alone", "单独运行 DashScope EMO 的模拟器"),
		Long: p.pick("Serves DashScope's asynchronous API for emo-v1 and emo-detect-v1 on loopback, for any client. The admin path\n"+
			"/_emo shows what would have been billed and takes faults; see docs/emulator.md.",
			"在本机提供 DashScope 的 emo-v1 和 emo-detect-v1 异步接口，可供任何客户端使用。管理路径 /_emo\n"+
				"显示本应产生的费用，并可设置故障；参见 docs/emulator.md。"),
		Example: "  emodrop emulator --addr 127.0.0.1:4650 --speed 60\n  curl http://127.0.0.1:4650/_emo/ledger",
		Args:    p.arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			host, _, err := net.SplitHostPort(addr)
			if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
				return p.usage("--addr %s: want a loopback address such as 127.0.0.1:4650", "--addr %s：应为本机地址，例如 127.0.0.1:4650", oneLine(addr))
			}
			if err := p.checkSpeed(speed); err != nil {
				return err
			}
			if slots < 1 {
				return p.usage("--slots %d: must be at least 1", "--slots %d：应不小于 1", slots)
			}
			if u, err := url.Parse(push.URL); push.URL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
				return p.usage("--push: want an address that begins with http:// or https://", "--push：应为以 http:// 或 https:// 开头的地址")
			}
			if push.Token != "" && push.URL == "" {
				return p.usage("--push-token goes with --push", "--push-token 需与 --push 同用")
			}
			if info, err := os.Stat(dir); err == nil && !info.IsDir() {
				return p.usage("--dir %s: want a folder", "--dir %s：应为目录", oneLine(dir))
			}
			var rules []emo.Rule
			if faults != "" {
				if rules, err = p.faultRules(faults); err != nil {
					return err
				}
			}
			ln, err := net.Listen("tcp", addr)
			if err != nil {
				return fmt.Errorf("%w; --addr 127.0.0.1:0 takes a free port", err)
			}
			defer func() { _ = ln.Close() }()
			log := slog.New(slog.DiscardHandler)
			if verbose {
				log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			}
			finder, err := stack.Faces()
			if err != nil {
				return err
			}
			cfg := emo.Config{BaseURL: "http://" + ln.Addr().String(), Slots: slots, Speed: speed, Faces: finder,
				Films: stack.Films(), Push: push, Faults: rules, Log: log}
			if key != "" {
				cfg.APIKeys = map[string]string{key: "100001"}
			}
			if dir != "" {
				if err := os.MkdirAll(dir, 0o755); err != nil {
					return fmt.Errorf("--dir: %w", err)
				}
				cfg.Dir, cfg.StateFile = dir, filepath.Join(dir, "state.json")
			}
			e, err := emo.New(cfg)
			if err != nil {
				return err
			}
			mux := http.NewServeMux()
			mux.Handle("/_emo/", console.LocalOnly(http.StripPrefix("/_emo", e.Admin())))
			mux.Handle("/", e.Handler())
			srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
			done := make(chan error, 1)
			go func() { done <- srv.Serve(ln) }()
			shown := key
			if shown == "" {
				shown = "sk-emodrop-local"
			}
			if p.json {
				p.line(map[string]string{"url": cfg.BaseURL + "/api/v1", "key": shown, "admin": cfg.BaseURL + "/_emo/"})
			} else {
				p.print("DashScope EMO emulator:  %s/api/v1   key %s   admin %s/_emo/\n", cfg.BaseURL, shown, cfg.BaseURL)
			}
			select {
			case <-cmd.Context().Done():
			case err = <-done:
			}
			end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			_ = srv.Shutdown(end)
			if err1 := e.Close(); err == nil || errors.Is(err, http.ErrServerClosed) {
				err = err1
			}
			return err
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&addr, "addr", "127.0.0.1:4650", p.pick("loopback address to listen on; port 0 takes a free one", "监听的本机地址；端口 0 表示任选空闲端口"))
	fl.Float64Var(&speed, "speed", 1, p.pick("how many times faster than the real service tasks are worked on", "任务处理速度是真实服务的多少倍"))
	fl.IntVar(&slots, "slots", 1, p.pick("how many tasks are worked on at a time", "同时处理多少个任务"))
	fl.StringVar(&key, "key", "", p.pick("the accepted API key (default sk-emodrop-local)", "接受的 API 密钥（默认 sk-emodrop-local）"))
	fl.StringVar(&dir, "dir", "", p.pick("folder that keeps tasks and films over a restart (default: memory)", "重启后仍保留任务和视频的目录（默认保存在内存中）"))
	fl.StringVar(&push.URL, "push", "", p.pick("URL that the events of tasks that end are pushed to, signed (default: nowhere)", "任务结束事件的推送地址，带签名（默认不推送）"))
	fl.StringVar(&push.Token, "push-token", "", p.pick("token that is sent along with pushes", "随推送发送的令牌"))
	fl.StringVar(&faults, "faults", "", p.pick("JSON file of faults (see docs/emulator.md)", "故障的 JSON 文件（参见 docs/emulator.md）"))
	fl.BoolVar(&verbose, "verbose", false, p.pick("log every call to standard error", "将每次调用记录到标准错误"))
	return cmd
}
