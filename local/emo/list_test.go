package emo

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// ids are the task ids of a list answer.
func (r *rig) ids(query string) []string {
	r.t.Helper()
	g := r.do("GET", tasksURL+"/?"+query, nil, nil)
	require.Equal(r.t, 200, g.status, string(g.raw))
	ids := []string{}
	for _, row := range g.doc["data"].([]any) {
		ids = append(ids, row.(doc)["task_id"].(string))
	}
	return ids
}

func TestAListRowCarriesWhatTheVendorsDoes(t *testing.T) {
	virtual(t, nil, func(t *testing.T, r *rig) {
		created := r.do("POST", createURL, filmBody(nil), nil)
		time.Sleep(5 * time.Minute)
		g := r.do("GET", tasksURL, nil, nil)
		require.Equal(t, doc{
			"api_key_id": "4711", "caller_parent_id": accountID, "caller_uid": accountID, "gmt_create": 946684800000.0,
			"start_time": 946684800000.0, "end_time": 946684885000.0, "model_name": "emo-v1", "region": "cn-beijing",
			"request_id": created.doc["request_id"], "status": "SUCCEEDED", "task_id": created.id(),
			"user_api_unique_key": "apikey:v1:aigc:image2video:video-synthesis:emo-v1",
		}, g.doc["data"].([]any)[0])
		require.NotContains(t, string(g.raw), "mp4", "a list never tells the film's link")
	})
}

func TestAListComesInPages(t *testing.T) {
	virtual(t, nil, func(t *testing.T, r *rig) {
		var all []string
		for range 23 {
			all = append([]string{r.submit(nil)}, all...)
			time.Sleep(time.Millisecond)
		}
		require.Equal(t, all[:10], r.ids(""))
		require.Equal(t, all[10:20], r.ids("page_no=2"))
		require.Equal(t, all[20:], r.ids("page_no=3"))
		require.Empty(t, r.ids("page_no=4"))
		require.Equal(t, all, r.ids("page_size=100"))
		g := r.do("GET", tasksURL+"?page_no=2&page_size=7", nil, nil)
		require.Equal(t, []any{23.0, 4.0, 2.0, 7.0}, []any{g.doc["total"], g.doc["total_page"], g.doc["page_no"], g.doc["page_size"]})
	})
}

func TestAListIsFilteredByEveryParameter(t *testing.T) {
	virtual(t, func(c *Config) { c.Models = []string{"mine"} }, func(t *testing.T, r *rig) {
		one := r.submit(nil) // at 08:00:00 in UTC+8
		time.Sleep(time.Hour)
		two := r.submit(func(b doc) { b["model"] = "mine" }) // at 09:00:00
		for query, want := range map[string][]string{
			"task_id=" + one:            {one},
			"model_name=mine":           {two},
			"status=SUCCEEDED":          {one},
			"status=RUNNING":            {two},
			"status=FAILED":             {},
			"api_key_id=4711":           {two, one},
			"api_key_id=1":              {},
			"region=cn-beijing":         {two, one},
			"region=ap-southeast-1":     {},
			"start_time=20000101080000": {two, one},
			"start_time=20000101080001": {two},
			"end_time=20000101085959":   {one},
			"end_time=20000101090000":   {two, one},
			"start_time=20000101083000&end_time=20000101083001": {},
			"start_time=20000101090000&end_time=20000101090000": {two},
		} {
			require.Equal(t, want, r.ids(query), query)
		}
	})
}

func TestAListRefusesWhatMakesNoSense(t *testing.T) {
	virtual(t, nil, func(t *testing.T, r *rig) {
		for _, query := range []string{
			"start_time=20000101000000&end_time=20000102000001", "start_time=20000102000000&end_time=20000101000000",
			"start_time=yesterday", "end_time=2000-01-01", "page_no=0", "page_size=-1", "page_size=x", "page_no=9999999999", "status=DONE",
		} {
			g := r.do("GET", tasksURL+"?"+query, nil, nil)
			require.Equal(t, 400, g.status, query)
			require.Equal(t, "InvalidParameter", g.doc["code"], query)
		}
	})
}

func TestANewTaskShowsInTheListOnlyAfterTheLag(t *testing.T) {
	virtual(t, func(c *Config) { c.ListLag = 30 * time.Second }, func(t *testing.T, r *rig) {
		id := r.submit(nil)
		time.Sleep(30*time.Second - 1)
		require.Empty(t, r.ids(""))
		require.Equal(t, "RUNNING", r.status(id), "the query does not lag")
		time.Sleep(time.Nanosecond)
		require.Equal(t, []string{id}, r.ids(""))
	})
}

func TestAListForgetsTasksWithTheirIDs(t *testing.T) {
	virtual(t, nil, func(t *testing.T, r *rig) {
		for i := range 5 {
			r.submit(nil)
			time.Sleep(6 * time.Hour)
			require.Len(t, r.ids(""), min(i+1, 3), fmt.Sprint(i))
		}
		synctest.Wait()
		require.Len(t, r.s.tasks, 4, "what nobody can ask for is dropped")
	})
}

func FuzzListQueriesNeverPanic(f *testing.F) {
	for _, q := range []string{"", "page_no=1&page_size=2", "start_time=20000101080000", "status=RUNNING", "page_no=-1"} {
		f.Add(q)
	}
	r := newRig(f, nil)
	f.Fuzz(func(t *testing.T, query string) {
		req, err := httpRequest("GET", tasksURL+"?"+query, "")
		if err != nil {
			return
		}
		res, err := r.client.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		require.Contains(t, []int{200, 400}, res.StatusCode)
	})
}

func FuzzCreateBodiesAreAcceptedOrRefused(f *testing.F) {
	f.Add(string(encode(filmBody(nil))))
	f.Add(`{"model":"emo-v1","input":{"image_url":"oss://x","face_bbox":[1,2,3,4]}}`)
	f.Add(`{"model":"emo-v1","input":[]}`)
	f.Add(`null`)
	r := newRig(f, nil)
	f.Fuzz(func(t *testing.T, body string) {
		req, err := httpRequest("POST", createURL, body)
		require.NoError(t, err)
		res, err := r.client.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		require.Contains(t, []int{200, 400, 404}, res.StatusCode)
	})
}
