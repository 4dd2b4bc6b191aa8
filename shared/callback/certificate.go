package callback

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// maxCertificate bounds a certificate's file, in bytes.
	maxCertificate = 64 << 10
	// maxKeyBits bounds what a verification costs. There is a lower bound in
	// crypto/rsa.
	maxKeyBits = 8192
	// keepFor is how long a certificate is believed unchanged, keepMost how many
	// are: the vendor uses one at a time.
	keepFor  = time.Hour
	keepMost = 8
)

// certificate is what is kept of one. Nobody vouches for it but the host that it
// came from: it is self-signed, so there is no chain to verify.
type certificate struct {
	key *rsa.PublicKey
	// from and to are its own dates, until is when it is fetched again.
	from, to, until time.Time
}

// certificates fetches them and keeps some. Safe for concurrent use.
type certificates struct {
	links Links

	mu  sync.Mutex
	all map[string]certificate // by address
}

// get returns the certificate at an address that was found good. Errors may pass: a
// file that cannot be read may be one that was half there.
func (c *certificates) get(ctx context.Context, address string) (certificate, error) {
	now := time.Now()
	c.mu.Lock()
	cert, ok := c.all[address]
	c.mu.Unlock()
	if ok && now.Before(cert.until) {
		return cert, nil
	}
	file, err := c.links.Fetch(ctx, address, maxCertificate)
	if err != nil {
		return certificate{}, fmt.Errorf("fetch the certificate: %w", err)
	}
	if cert, err = parse(file); err != nil {
		return certificate{}, err
	}
	cert.until = now.Add(keepFor)
	c.keep(address, cert)
	return cert, nil
}

func (c *certificates) keep(address string, cert certificate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[string]certificate{}
	}
	if _, ok := c.all[address]; !ok && len(c.all) >= keepMost {
		oldest := ""
		for a, other := range c.all {
			if oldest == "" || other.until.Before(c.all[oldest].until) {
				oldest = a
			}
		}
		delete(c.all, oldest)
	}
	c.all[address] = cert
}

var errNoCertificate = errors.New("the certificate's file holds no certificate with an RSA key")

// parse reads the first certificate of a PEM file.
func parse(file []byte) (certificate, error) {
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		x, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			break
		}
		if key, ok := x.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() <= maxKeyBits {
			return certificate{key: key, from: x.NotBefore, to: x.NotAfter}, nil
		}
		break
	}
	return certificate{}, errNoCertificate
}
