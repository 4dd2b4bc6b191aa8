package public_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/public"
)

// notPublic are addresses that nobody is ever sent to.
var notPublic = []string{
	"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1", "127.255.255.254",
	"169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1",
	"192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1",
	"239.255.255.255", "240.0.0.1", "255.255.255.255",
	"::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::808:808",
	"64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::1", "3fff::1", "4000::1", "5f00::1", "fc00::1", "fd00:ec2::254",
	"fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
}

func TestOnlyPublicAddressesAreConnectedTo(t *testing.T) {
	t.Parallel()
	for _, a := range notPublic {
		require.ErrorIs(t, public.Check(net.JoinHostPort(a, "443"), false), public.ErrNotPublic, a)
	}
	for _, a := range []string{"1.1.1.1", "9.255.255.255", "11.0.0.0", "47.101.1.1", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
		"172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
		"2400:3200::1", "2408:4002::1", "2001:4860::1", "::ffff:1.1.1.1"} {
		require.NoError(t, public.Check(net.JoinHostPort(a, "443"), false), a)
	}
	for _, a := range []string{"", "1.1.1.1", "name:443", "1.1.1.1.1:443"} {
		require.ErrorIs(t, public.Check(a, false), public.ErrUnreadable, a)
	}
}

func TestTheLocalStackConnectsToThisMachineAlone(t *testing.T) {
	t.Parallel()
	for _, a := range []string{"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"} {
		require.NoError(t, public.Check(net.JoinHostPort(a, "80"), true), a)
	}
	for _, a := range []string{"10.0.0.1", "169.254.169.254", "8.8.8.8", "2400:3200::1", "::"} {
		require.ErrorIs(t, public.Check(net.JoinHostPort(a, "80"), true), public.ErrElsewhere, a)
	}
}
