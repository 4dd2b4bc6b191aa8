package stack

import (
	"cmp"
	"net/url"
	"strings"

	"emodrop/local/emo"
	"emodrop/shared/dashscope"
	"emodrop/shared/job"
)

// Vendor is a real service in the place of the emulator: what it makes is paid for.
type Vendor struct {
	// Key is the API key. It is kept in memory only.
	Key job.Secret
	// BaseURL and Workspace; empty: the Beijing region, and the key's own.
	BaseURL, Workspace string
	// Loopback lets the service be on this machine, for tests.
	Loopback bool
}

// address is the service's base URL, in one form however it was written.
func (v *Vendor) address() string {
	base := cmp.Or(strings.TrimRight(v.BaseURL, "/"), dashscope.DefaultBaseURL)
	u, err := url.Parse(base)
	if err != nil {
		return base // it is refused where it is used
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	return u.String()
}

// mayForget says whether a home's jobs and films may be forgotten.
func mayForget(id identity, v *Vendor) error {
	if v != nil || id.Vendor != "" && id.Vendor != emulated {
		return refuse(PaidFor)
	}
	return nil
}

// settle holds a home to one service from its first start on.
func (id *identity) settle(v *Vendor) error {
	here, workspace := emulated, ""
	if v != nil {
		here, workspace = v.address(), v.Workspace
	}
	if id.Vendor == "" && (id.Port == 0 || here == emulated) {
		id.Vendor, id.Workspace = here, workspace
	}
	if was := cmp.Or(id.Vendor, emulated); was != here || id.Workspace != workspace {
		return refuse(OtherVendor, strings.TrimSpace(was+" "+id.Workspace))
	}
	return nil
}

// emulated is what stands for the emulator where a service's address would be.
const emulated = "emulated"

// vendorEnv is what the functions are told of the service.
func (s *Stack) vendorEnv() map[string]string {
	if v := s.cfg.Vendor; v != nil {
		env := map[string]string{"EMODROP_VENDOR_URL": v.address(), "EMODROP_WORKSPACE": v.Workspace}
		if v.Loopback {
			env["EMODROP_RESULT_HOSTS"], env["EMODROP_LOOPBACK"] = "127.0.0.1", "1"
		}
		return env
	}
	return map[string]string{"EMODROP_VENDOR_URL": s.URL() + vendorPath + "/api/v1", "EMODROP_RESULT_HOSTS": "127.0.0.1", "EMODROP_LOOPBACK": "1",
		"EMODROP_CALLBACK_CERTIFICATES": s.URL() + vendorPath + emo.CertificatePath}
}
