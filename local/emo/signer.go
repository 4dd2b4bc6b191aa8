package emo

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"strconv"
	"time"
)

// CertificatePath is where the certificates of pushes are, below BaseURL.
const CertificatePath = "/eventbridge/"

// signer signs pushes as EventBridge does, version 2.
// Source: https://help.aliyun.com/en/eventbridge/user-guide/signature-algorithm (2026)
type signer struct {
	key  *rsa.PrivateKey
	file []byte // the certificate, in PEM
	name string // its file's, which no other key's has
	url  string
}

// newSigner makes a certificate for the key, signed by itself as the real one is, or for a new key.
func newSigner(key *rsa.PrivateKey, base string) (*signer, error) {
	if key == nil {
		var err error
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return nil, fmt.Errorf("make a key for pushes: %w", err)
		}
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "emulated EventBridge"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate for pushes: %w", err)
	}
	sum := sha256.Sum256(der)
	name := "x509_public_certificate_" + hex.EncodeToString(sum[:8]) + ".pem"
	return &signer{key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), name, base + CertificatePath + name}, nil
}

// sign puts the headers of a push on, or what a fault makes of them.
func (s *signer) sign(h http.Header, p Push, body []byte, fault string) error {
	now := time.Now()
	if fault == "push_stale" {
		now = now.Add(-10 * time.Minute)
	}
	text := p.As
	add := func(name, value string) {
		h.Set(name, value)
		text += "\n" + name + ": " + value
	}
	add("x-eventbridge-signature-timestamp", strconv.FormatInt(now.UnixMilli(), 10))
	add("x-eventbridge-hash-method", "SHA256")
	add("x-eventbridge-signature-version", "1.0")
	add("x-eventbridge-signature-url", s.url)
	if p.Token != "" {
		add("x-eventbridge-signature-token", p.Token)
	}
	text += "\n" + string(body)
	if fault == "push_newline" {
		text += "\n"
	}
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, sum[:])
	if err != nil {
		return err
	}
	if fault == "push_forged" {
		sig[len(sig)/2] ^= 1
	}
	h.Set("x-eventbridge-signature-v2", base64.StdEncoding.EncodeToString(sig))
	return nil
}

// certificate serves the signer's own.
func (s *Server) certificate(w http.ResponseWriter, r *http.Request) {
	if s.signer == nil || r.PathValue("name") != s.signer.name {
		s.refusing(errNotFound).ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/x-x509-ca-cert")
	w.Header().Set("Content-Length", strconv.Itoa(len(s.signer.file)))
	_, _ = w.Write(s.signer.file) // a client that has gone is its own affair
}
