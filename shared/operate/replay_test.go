package operate_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/operate"
)

func TestAnOutcomeIsToldAgainUnderTheIdItHad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		j := b.held(t, "anna", job.Fault{Code: job.CodeAmbiguous})
		first, err := b.store.Message(t.Context(), job.OutcomeMessage(j).ID)
		require.NoError(t, err)
		gone := first
		gone.Unsent = nil
		require.NoError(t, b.store.PutMessage(t.Context(), first, gone)) // every channel has it
		noted := j
		noted.Candidates = nil
		j, err = b.store.Move(t.Context(), j, noted) // and the job has been written to since
		require.NoError(t, err)
		time.Sleep(time.Hour)

		_, err = b.Replay(t.Context(), j.ID, job.Webhook)
		require.NoError(t, err)
		again, err := b.store.Message(t.Context(), first.ID)
		require.NoError(t, err)
		require.Equal(t, []job.Channel{job.Webhook}, again.Unsent)
		require.Equal(t, first.Fault, again.Fault)
		require.False(t, again.Due.After(time.Now()), "now")
		require.Equal(t, first.ID, b.told.ids[len(b.told.ids)-1])
		require.Len(t, b.told.ids, 1)
	})
}

func TestWhatIsStillWaitingIsTriedNowAndJoined(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		j := b.held(t, "anna", job.Fault{Code: job.CodeAmbiguous})
		m, err := b.store.Message(t.Context(), job.OutcomeMessage(j).ID)
		require.NoError(t, err)
		waits := m
		waits.Unsent, waits.Tries, waits.Due = []job.Channel{job.Webhook}, 3, time.Now().Add(4*time.Hour)
		waits.Post = job.Post{Tries: 12, Due: waits.Due}
		require.NoError(t, b.store.PutMessage(t.Context(), m, waits))

		_, err = b.Replay(t.Context(), j.ID, job.Topic)
		require.NoError(t, err)
		now, err := b.store.Message(t.Context(), m.ID)
		require.NoError(t, err)
		require.Equal(t, []job.Channel{job.Topic, job.Webhook}, now.Unsent, "nothing that waited is lost")
		require.Equal(t, job.Post{}, now.Post)
		require.Zero(t, now.Tries)
		require.False(t, now.Due.After(time.Now()))

		_, err = b.Replay(t.Context(), j.ID)
		require.NoError(t, err)
		now, err = b.store.Message(t.Context(), m.ID)
		require.NoError(t, err)
		require.Equal(t, job.Channels(), now.Unsent)
	})
}

func TestAJobWithoutAnOutcomeHasNothingToTell(t *testing.T) {
	t.Parallel()
	b := setup(t)
	now := time.Now().UTC()
	_, err := b.store.Create(t.Context(), job.Job{ID: "anna", State: job.Received, Name: job.Name{Stem: "anna"}, Received: now, Due: now, Image: job.Input{ETag: "e1", Format: "png"}, Audio: job.Input{ETag: "e2", Format: "wav", Seconds: 10}})
	require.NoError(t, err)
	_, err = b.Replay(t.Context(), "anna")
	var no *operate.Refusal
	require.ErrorAs(t, err, &no)
	require.Equal(t, operate.NotTold, no.Code)
	_, err = b.Replay(t.Context(), "nobody")
	require.ErrorIs(t, err, job.ErrNotFound)
	require.Empty(t, b.told.ids)
}
