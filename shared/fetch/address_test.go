package fetch

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// notPublic are addresses that nothing is ever fetched from.
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
	f := guard(t, Config{})
	for _, a := range notPublic {
		err := f.control("tcp", net.JoinHostPort(a, "443"), nil)
		require.ErrorIs(t, err, ErrRefused, a)
	}
	for _, a := range []string{"1.1.1.1", "9.255.255.255", "11.0.0.0", "47.101.1.1", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
		"172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
		"2400:3200::1", "2408:4002::1", "2001:4860::1", "::ffff:1.1.1.1"} {
		require.NoError(t, f.control("tcp", net.JoinHostPort(a, "443"), nil), a)
	}
	for _, a := range []string{"", "1.1.1.1", "name:443", "1.1.1.1.1:443"} {
		require.ErrorIs(t, f.control("tcp", a, nil), ErrRefused, a)
	}
}

func TestTheLocalStackConnectsToThisMachineAlone(t *testing.T) {
	t.Parallel()
	f := guard(t, Config{Hosts: []string{"localhost"}, Loopback: true})
	for _, a := range []string{"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"} {
		require.NoError(t, f.control("tcp", net.JoinHostPort(a, "80"), nil), a)
	}
	for _, a := range []string{"10.0.0.1", "169.254.169.254", "8.8.8.8", "2400:3200::1", "::"} {
		require.ErrorIs(t, f.control("tcp", net.JoinHostPort(a, "80"), nil), ErrRefused, a)
	}
}

// An allowed name may lead anywhere: the real dialer asks a name server that is
// ours and must refuse to connect to what it is told.
func TestANameThatLeadsInsideIsRefusedWithoutAConnection(t *testing.T) {
	t.Parallel()
	for _, a := range notPublic {
		ip := netip.MustParseAddr(a).WithZone("")
		dns := &nameServer{answers: []netip.Addr{ip}}
		f := guard(t, Config{resolver: &net.Resolver{PreferGo: true, Dial: dns.dial}, AllowHTTP: true})
		file, err := os.Create(filepath.Join(t.TempDir(), "film"))
		require.NoError(t, err)
		got, err := f.Fetch(t.Context(), httpLink, file, 100)
		require.NoError(t, file.Close())
		require.ErrorIs(t, err, ErrRefused, a)
		require.ErrorContains(t, err, "not public", a)
		require.Equal(t, job.LinkRefused, job.LinkTroubleOf(err), a)
		require.Equal(t, 1, got.Tries, a)
	}
}

func TestANameThatIsInsideInEveryAnswerIsRefused(t *testing.T) {
	t.Parallel()
	dns := &nameServer{answers: []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("fd00::1")}}
	f := guard(t, Config{resolver: &net.Resolver{PreferGo: true, Dial: dns.dial}})
	_, err := f.Fetch(t.Context(), httpsLink, nil, 100)
	require.ErrorIs(t, err, ErrRefused)
}

func TestARealConnectionToThisMachineIsRefused(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	f := guard(t, Config{Hosts: []string{"localhost"}})
	resp, err := f.client.Get("http://" + l.Addr().String() + "/")
	if err == nil {
		resp.Body.Close()
	}
	require.ErrorIs(t, err, ErrRefused)
}

// nameServer answers every question with the same addresses.
type nameServer struct {
	answers []netip.Addr
	mu      sync.Mutex
}

// dial gives a connection on which questions are answered, each with its length in
// front. Source: https://www.rfc-editor.org/rfc/rfc7766#section-8
func (s *nameServer) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go func() {
		defer func() { _ = theirs.Close() }()
		for {
			var n [2]byte
			if _, err := io.ReadFull(theirs, n[:]); err != nil {
				return
			}
			q := make([]byte, binary.BigEndian.Uint16(n[:]))
			if _, err := io.ReadFull(theirs, q); err != nil {
				return
			}
			a := s.answer(q)
			if _, err := theirs.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...)); err != nil {
				return
			}
		}
	}()
	return ours, nil
}

// answer makes a reply of a question.
// Source: https://www.rfc-editor.org/rfc/rfc1035#section-4.1
func (s *nameServer) answer(q []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	end := 12
	for q[end] != 0 {
		end += 1 + int(q[end])
	}
	end += 5 // the root's label, type, class
	kind := binary.BigEndian.Uint16(q[end-4:])
	var records []byte
	count := uint16(0)
	for _, ip := range s.answers {
		want := uint16(28) // AAAA
		if ip.Is4() {
			want = 1 // A
		}
		if want != kind {
			continue
		}
		count++
		records = append(records, 0xc0, 12) // the name of the question
		records = binary.BigEndian.AppendUint16(records, kind)
		records = append(records, 0, 1, 0, 0, 0, 60)
		records = binary.BigEndian.AppendUint16(records, uint16(len(ip.AsSlice())))
		records = append(records, ip.AsSlice()...)
	}
	head := append([]byte{}, q[:2]...)
	head = append(head, 0x84, 0, 0, 1)
	head = binary.BigEndian.AppendUint16(head, count)
	head = append(head, 0, 0, 0, 0)
	return append(append(head, q[12:end]...), records...)
}
