package main

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/local/stack"
	"emodrop/shared/job"
)

// aVendor is a service that knows one key, at an address.
func aVendor(t *testing.T, key string, change func(*emo.Config)) string {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	base := "http://" + srv.Listener.Addr().String()
	cfg := emo.Config{APIKeys: map[string]string{key: "1"}, BaseURL: base, Dir: t.TempDir()}
	if change != nil {
		change(&cfg)
	}
	e, err := emo.New(cfg)
	require.NoError(t, err)
	srv.Config.Handler = e.Handler()
	srv.Start()
	t.Cleanup(func() {
		srv.Close()
		require.NoError(t, e.Close())
	})
	return base + "/api/v1"
}

func TestDoctorLooksAtTheServiceAloneByFreeCalls(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.env["DASHSCOPE_API_KEY"], d.env["DASHSCOPE_BASE_URL"] = " sk-good\n", aVendor(t, "sk-good", nil)
	lines := objects(t, d.good("doctor", "--vendor", "dashscope", "--json"))
	var names []string
	for _, l := range lines {
		require.Equal(t, true, l["ok"], l)
		names = append(names, l["check"].(string))
	}
	require.Equal(t, []string{"key", "upload", "clock"}, names)

	wrong := newDesk(t)
	wrong.env["DASHSCOPE_API_KEY"], wrong.env["DASHSCOPE_BASE_URL"] = "sk-secret-of-another-region", d.env["DASHSCOPE_BASE_URL"]
	o := wrong.run("doctor", "--vendor", "dashscope")
	require.Equal(t, exitKey, o.code)
	require.Contains(t, o.stdout, "!!")
	require.NotContains(t, o.stdout+o.stderr, "sk-secret")

	skewed := newDesk(t)
	skewed.env["DASHSCOPE_API_KEY"] = "sk-good"
	skewed.env["DASHSCOPE_BASE_URL"] = aVendor(t, "sk-good", func(c *emo.Config) { c.ClockOffset = 10 * time.Minute })
	o = skewed.run("doctor", "--vendor", "dashscope")
	require.Equal(t, exitOther, o.code)
	require.Contains(t, o.stdout, "clock is off by")

	none := newDesk(t)
	o = none.run("doctor", "--vendor", "dashscope")
	require.Equal(t, exitKey, o.code)
	require.Contains(t, o.stderr, "DASHSCOPE_API_KEY is not set")
	require.Equal(t, exitUsage, none.run("doctor", "--vendor", "kling").code)
	none.env["DASHSCOPE_API_KEY"], none.env["DASHSCOPE_BASE_URL"] = "sk-1", "dashscope.aliyuncs.com"
	require.Contains(t, none.refused(exitUsage, "usage", "doctor", "--vendor", "dashscope").Message, "DASHSCOPE_BASE_URL: want")
}

func TestUpWithTheRealServiceRefusesWhatHasNoMeaningThere(t *testing.T) {
	for name, c := range map[string]struct {
		flags stackFlags
		key   string
		says  string
		code  int
		base  string
	}{
		"no key":                  {stackFlags{vendor: "dashscope", slots: 1}, "", "DASHSCOPE_API_KEY is not set", exitKey, ""},
		"blank key":               {stackFlags{vendor: "dashscope", slots: 1}, " \n", "DASHSCOPE_API_KEY is not set", exitKey, ""},
		"the emulator's speed":    {stackFlags{vendor: "dashscope", slots: 1, speed: 60}, "sk-1", "are the emulator's", exitUsage, ""},
		"the emulator's slots":    {stackFlags{vendor: "dashscope", slots: 2}, "sk-1", "are the emulator's", exitUsage, ""},
		"links to this machine":   {stackFlags{vendor: "dashscope", slots: 1, transfer: "presign"}, "sk-1", "cannot fetch from this machine", exitUsage, ""},
		"a service nobody knows":  {stackFlags{vendor: "kling", slots: 1}, "sk-1", "want emulator or dashscope", exitUsage, ""},
		"an address that is none": {stackFlags{vendor: "dashscope", slots: 1}, "sk-1", "DASHSCOPE_BASE_URL: want", exitUsage, "dashscope.aliyuncs.com"},
		"the emulator, of course": {stackFlags{vendor: "emulator", slots: 2, speed: 60}, "", "", 0, ""},
		"all as it should be":     {stackFlags{vendor: "dashscope", slots: 1, transfer: "auto"}, "sk-1", "", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := stack.Config{Transfer: job.Transfer(c.flags.transfer)}
			env := map[string]string{"DASHSCOPE_API_KEY": c.key, "DASHSCOPE_BASE_URL": c.base}
			err := c.flags.real(&program{env: func(name string) string { return env[name] }}, &cfg)
			if c.says != "" {
				require.Equal(t, c.code, (&program{}).problemOf(err).exit)
				require.ErrorContains(t, err, c.says)
				require.Nil(t, cfg.Vendor)
				return
			}
			require.NoError(t, err)
			if c.flags.vendor == "dashscope" {
				require.Equal(t, job.Secret("sk-1"), cfg.Vendor.Key)
				require.Equal(t, job.TransferTemp, cfg.Transfer)
				usual := stack.Cloud()
				usual.Redeliver = 10 * time.Minute // uploads from a laptop
				require.Equal(t, usual, cfg.Timing, "the real service is not hurried")
			} else {
				require.Nil(t, cfg.Vendor)
			}
		})
	}
}
