package s3

import (
	"slices"
	"sort"
	"strings"
)

// listing is one page of a bucket.
type listing struct {
	objects  []*object
	prefixes []string
	// next is where the following page begins after; empty on the last page.
	next string
}

// list returns up to limit objects and common prefixes after marker, in byte
// order of their keys. A limit of 0 means no limit.
func (s *store) list(bucketName, prefix, delimiter, marker string, limit int) (listing, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := s.buckets[bucketName]
	if b == nil {
		return listing{}, ErrNoSuchBucket
	}
	var page listing
	last := ""
	i, _ := slices.BinarySearch(b.keys, max(prefix, marker))
	if i < len(b.keys) && marker != "" && b.keys[i] == marker {
		i++
	}
	for i < len(b.keys) && strings.HasPrefix(b.keys[i], prefix) {
		key := b.keys[i]
		common, after := "", i+1
		if delimiter != "" {
			if at := strings.Index(key[len(prefix):], delimiter); at >= 0 {
				common = key[:len(prefix)+at+len(delimiter)]
				after = i + sort.Search(len(b.keys)-i, func(n int) bool { return !strings.HasPrefix(b.keys[i+n], common) })
			}
		}
		entry := key
		if common != "" {
			entry = common
		}
		if marker != "" && entry == marker {
			i = after
			continue
		}
		if limit > 0 && len(page.objects)+len(page.prefixes) == limit {
			page.next = last
			return page, nil
		}
		if common != "" {
			page.prefixes = append(page.prefixes, common)
		} else {
			page.objects = append(page.objects, b.objects[key])
		}
		last, i = entry, after
	}
	return page, nil
}
