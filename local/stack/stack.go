// Package stack runs the whole of emodrop on one machine: the four Lambda binaries
// under a runtime of our own, S3 and DynamoDB by their protocols, the few other AWS
// calls, an emulator of the vendor, a folder to drop files into and a page, all
// behind one loopback address.
//
// It holds no logic of the product: what the cloud's services do is done by their
// stand-ins, what the functions do by the functions. Its one invariant: nothing of
// it listens beyond loopback, and all that has to survive a restart is in its home.
package stack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"emodrop/local/aws/dynamo"
	"emodrop/local/aws/s3"
	"emodrop/local/aws/services"
	"emodrop/local/emo"
	"emodrop/local/lambda"
	"emodrop/shared/job"
	"emodrop/shared/store"
	"emodrop/shared/words"
)

// The stack's names, as the template gives names in the cloud.
const (
	Inbox   = "emodrop-inbox"
	Outbox  = "emodrop-outbox"
	table   = "emodrop-jobs"
	secret  = "emodrop/dashscope-api-key"
	pushing = "emodrop/callback-token"
	signing = "emodrop/webhook-secret"
	region  = "us-east-1"
	account = "000000000000"
	topic   = "arn:aws:sns:" + region + ":" + account + ":emodrop-outcomes"
	bus     = "default"
	signer  = "arn:aws:iam::" + account + ":role/emodrop-signer"
	apiKey  = "sk-emodrop-local"
)

// Timing is how fast the stack's clocks run. The zero value is Lively.
type Timing struct {
	// Tick is the time between two schedules of poll, Interval between two
	// batches inside one.
	Tick, Interval time.Duration
	// Settle is how long a hand-in must have been quiet.
	Settle time.Duration
	// HalfPairAfter is when a missing half is told.
	HalfPairAfter time.Duration
	// CreateWithin, PostLease, AskFirst and Quiet belong to the create call.
	CreateWithin, PostLease, AskFirst, Quiet time.Duration
	// StoreLease is how long finalize may be busy with a film.
	StoreLease time.Duration
	// Redeliver is how long one delivery to submit may take, after which its
	// messages come again: twice CreateWithin, as files may have to be uploaded first, and
	// some 15 s at least.
	Redeliver time.Duration
	// Backoff is the first wait after trouble that may pass.
	Backoff time.Duration
	// Push is the time from the end of a task at the emulated vendor to its push;
	// zero: 1 s.
	Push time.Duration
	// Speed divides the time the emulated vendor works.
	Speed float64
}

// Lively is for people who watch: seconds where the cloud takes minutes.
func Lively() Timing {
	return Timing{Tick: 5 * time.Second, Interval: time.Second, Settle: time.Second, HalfPairAfter: 2 * time.Minute,
		CreateWithin: 10 * time.Second, PostLease: 20 * time.Second, AskFirst: 5 * time.Second, Quiet: 30 * time.Second,
		StoreLease: 3 * time.Minute, Redeliver: 2 * time.Minute, Backoff: 2 * time.Second, Push: 300 * time.Millisecond, Speed: 10}
}

// Cloud is what the deployed stack does by default, and the vendor's real speed.
func Cloud() Timing {
	return Timing{Tick: time.Minute, Interval: 15 * time.Second, Settle: 5 * time.Second, HalfPairAfter: 30 * time.Minute,
		CreateWithin: 30 * time.Second, PostLease: 90 * time.Second, AskFirst: time.Minute, Quiet: 15 * time.Minute,
		StoreLease: 6 * time.Minute, Redeliver: 2 * time.Minute, Backoff: 15 * time.Second, Push: 3 * time.Second, Speed: 1}
}

// Config is what Start needs.
type Config struct {
	// Home is where drop/, videos/, failed/, checked/, status/ and the state are.
	Home string
	// Binaries is the folder with the four functions' binaries.
	Binaries string
	// Modules is the folder whose node_modules hold the DynamoDB stand-in.
	Modules string
	// DynamoEndpoint is a DynamoDB that somebody else runs; empty: our own.
	DynamoEndpoint string
	// Port is the wanted one; zero: the one of the last run, or any free one.
	Port int
	// Fresh clears the state of earlier runs, and their results. Not where a real service
	// made them.
	Fresh bool
	// Vendor is a real service; nil: the emulator.
	Vendor *Vendor
	// Transfer is how inputs go to the vendor; zero: job.TransferAuto, or with a real
	// one, which reaches nothing on this machine, job.TransferTemp.
	Transfer job.Transfer
	// Budget is what films may cost, simulated or not; zero: no limit.
	Budget job.Budget
	// MaxInFlight is how many tasks may be at the vendor; zero: 3.
	MaxInFlight int
	// Slots is how many tasks the emulated vendor works on at a time; zero: 1.
	Slots int
	// Webhook is where outcomes are posted: on this machine by http, or anywhere by
	// https; empty: nowhere.
	Webhook string
	// Faults are the emulator's, if it is to misbehave.
	Faults []emo.Rule
	Timing Timing
	// Say is told what happens, one readable line each, in the language Lang; zero:
	// English.
	Say  func(line string)
	Lang words.Lang
	// Verbose also gets the functions' own log lines; nil: nobody.
	Verbose io.Writer
}

// Stack is a running stack. Make one with Start; Close ends it.
type Stack struct {
	cfg   Config
	ident identity
	addr  string
	// token is what the emulated vendor's pushes bear, a new one at each start.
	token string

	Emulator *emo.Server
	Files    *s3.Server
	Ledger   *services.Ledger
	Jobs     *store.Store
	Host     *lambda.Host
	Queue    *lambda.Queue
	SNS      *services.SNS

	schedule *lambda.Schedule
	server   *http.Server
	dynamo   *dynamo.Server
	table    *dynamodb.Client
	mirror   *mirror
	say      *talker
	stop     context.CancelFunc
	wg       sync.WaitGroup
	failed   chan error
}

// Start brings the stack up; it is ready when Start returns.
func Start(ctx context.Context, cfg Config) (_ *Stack, err error) {
	if cfg.Timing == (Timing{}) {
		cfg.Timing = Lively()
	}
	if cfg.Transfer == "" {
		if cfg.Transfer = job.TransferAuto; cfg.Vendor != nil {
			cfg.Transfer = job.TransferTemp
		}
	}
	if cfg.MaxInFlight == 0 {
		cfg.MaxInFlight = 3
	}
	if cfg.Say == nil {
		cfg.Say = func(string) {}
	}
	s := &Stack{cfg: cfg, token: rand.Text(), failed: make(chan error, 4)}
	s.say = newTalker(cfg.Say, cfg.Lang, cfg.Verbose)
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	defer func() {
		if err != nil {
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			_ = s.Close(end)
		}
	}()
	if err := alone(ctx, cfg.Home); err != nil {
		return nil, err
	}
	if cfg.Fresh {
		id, err := loadIdentity(s.state(identityFile))
		if err != nil {
			return nil, err
		}
		if err := mayForget(id, cfg.Vendor); err != nil {
			return nil, err
		}
		if err := clear(cfg.Home); err != nil {
			return nil, err
		}
	}
	for _, dir := range []string{s.state(), s.path("drop"), s.path("videos")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, refuse(HomeUnusable, err.Error())
		}
	}
	if s.ident, err = loadIdentity(s.state(identityFile)); err != nil {
		return nil, err
	}
	if err := s.ident.settle(cfg.Vendor); err != nil {
		return nil, err
	}
	ln, err := listen(cfg.Port, s.ident.Port)
	if err != nil {
		return nil, err
	}
	s.addr = ln.Addr().String()
	if err := s.ident.keepPort(s.state(identityFile), ln.Addr().(*net.TCPAddr).Port); err != nil {
		_ = ln.Close()
		return nil, err
	}
	if err := s.assemble(run, ln); err != nil {
		_ = ln.Close()
		return nil, err
	}
	if err := s.makeTable(ctx); err != nil {
		return nil, err
	}
	if err := s.knowKey(ctx); err != nil {
		return nil, err
	}
	return s, s.begin(run)
}

// URL is the one address: the page, and the endpoint of every service.
func (s *Stack) URL() string { return "http://" + s.addr }

// Credentials are what AWS clients use against the stack.
func (s *Stack) Credentials() (accessKeyID, secretAccessKey, regionName string) {
	return s.ident.AccessKeyID, s.ident.SecretAccessKey, region
}

// WebhookSecret is what posted outcomes are signed with: made at random, and the same
// as long as the home's state is.
func (s *Stack) WebhookSecret() string { return s.ident.WebhookSecret }

// Failed receives what ends the stack from within.
func (s *Stack) Failed() <-chan error { return s.failed }

func (s *Stack) path(parts ...string) string {
	return filepath.Join(append([]string{s.cfg.Home}, parts...)...)
}

func (s *Stack) state(parts ...string) string {
	return s.path(append([]string{".emodrop"}, parts...)...)
}

// Close ends the stack: nothing new begins, what runs gets a moment, nothing of it
// is left behind but its home.
func (s *Stack) Close(ctx context.Context) error {
	var errs []error
	if s.schedule != nil {
		s.schedule.Close()
	}
	if s.Queue != nil {
		errs = append(errs, s.Queue.Close(ctx))
	}
	if s.Host != nil {
		errs = append(errs, s.Host.Close(ctx))
	}
	// What the functions said last is told while names can still be looked up.
	s.say.close()
	if s.stop != nil {
		s.stop()
	}
	if s.server != nil {
		_ = s.server.Close()
	}
	if s.Emulator != nil {
		errs = append(errs, s.Emulator.Close())
	}
	s.wg.Wait()
	if s.dynamo != nil {
		<-s.dynamo.Done()
	}
	if s.Ledger != nil {
		errs = append(errs, s.Ledger.Close())
	}
	return errors.Join(errs...)
}

// listen opens the wanted port, or the last run's, or any free one, on loopback.
func listen(wanted, last int) (net.Listener, error) {
	if wanted > 0 {
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", wanted))
		if err != nil {
			return nil, refuse(PortTaken, strconv.Itoa(wanted), reason(err))
		}
		return ln, nil
	}
	if last > 0 {
		if ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", last)); err == nil {
			return ln, nil
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen on loopback: %w", err)
	}
	return ln, nil
}

// quiet is a logger for parts whose own talk nobody asked for.
func (s *Stack) quiet() *slog.Logger {
	if s.cfg.Verbose == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(s.cfg.Verbose, nil))
}
