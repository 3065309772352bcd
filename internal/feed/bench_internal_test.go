package feed

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/gin-sessionkit/sessionkit/models"
)

// What a process waits for that starts, of what the database is not to blame for.
func BenchmarkFeed_Start(b *testing.B) {
	config := filled(b, 0).cfg
	const n = 200_000
	now := time.Now().UnixMilli()
	hints := make([]models.Hint, n)
	for i := range hints {
		hints[i] = hintOf(models.HintSession, fmt.Sprint("handle-of-a-session-", i), fmt.Sprint("user-", i), now)
	}
	for b.Loop() {
		at := 0
		f := New(source(func(_ context.Context, q models.FeedQuery) (p models.FeedPage, _ error) {
			if p.Clock = now; q.Limit > 1 {
				p.Hints = hints[at:min(n, at+q.Limit)]
				if at += q.Limit; at < n {
					p.Next = new(models.FeedPosition)
				}
			}
			return p, nil
		}), config)
		if err := f.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// filled is a Feed that has read n entries about others.
func filled(b *testing.B, n int) *Feed {
	b.Helper()
	now := time.Now().UnixMilli()
	hints := make([]models.Hint, n)
	for i := range hints {
		hints[i] = hintOf(models.HintSession, fmt.Sprintf("handle-of-a-session-%d", i), fmt.Sprintf("user-%d", i), now)
		if i%10 == 0 {
			hints[i].Kind = models.HintUser
		}
	}
	empty := source(func(context.Context, models.FeedQuery) (models.FeedPage, error) {
		return models.FeedPage{Clock: time.Now().UnixMilli()}, nil
	})
	f := New(empty, Config{
		Within: 2 * time.Second, MaxEntries: 1 << 20, Now: time.Now,
		OnPoll: func(context.Context, error, bool) {}, OnNews: func() {},
	})
	if err := f.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	for page := range len(hints)/1000 + 1 {
		f.writer.add(hints[page*1000:min(len(hints), page*1000+1000)], 0, f.elapsed(), now)
	}
	return f
}

func sizes(b *testing.B, run func(*testing.B, *Feed)) {
	b.Helper()
	for _, n := range []int{0, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := filled(b, n)
			b.ReportAllocs()
			run(b, f)
		})
	}
}

// What each request costs that nothing is known about.
func BenchmarkFeed_Asks(b *testing.B) {
	sizes(b, func(b *testing.B, f *Feed) {
		memo, now := &Memo{}, time.Now().UnixMilli()
		for b.Loop() {
			if _, asks := f.Asks(memo, "a-handle-that-is-not-there", "a-user-of-no-renown", now); asks {
				b.Fatal("it asks")
			}
		}
	})
}

// What each request costs whose answer is remembered.
func BenchmarkFeed_AsksRemembered(b *testing.B) {
	f := filled(b, 100_000)
	memo := &Memo{}
	f.Answered(memo, Question{settled: f.writer.table.Load().arrivals})
	b.ReportAllocs()
	for b.Loop() {
		if _, asks := f.Asks(memo, "handle-of-a-session-1", "user-1", 0); asks {
			b.Fatal("it asks")
		}
	}
}

func BenchmarkFeed_Apply(b *testing.B) {
	sizes(b, func(b *testing.B, f *Feed) {
		i := 0
		for b.Loop() {
			i++
			f.Apply(hintOf(models.HintSession, fmt.Sprint(i%100_000), "", 0))
		}
	})
}

func BenchmarkFeed_pollWithoutNews(b *testing.B) {
	sizes(b, func(b *testing.B, f *Feed) {
		for b.Loop() {
			f.poll(b.Context())
		}
	})
}
