package otel

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/gin-sessionkit/sessionkit/errors"
	"github.com/gin-sessionkit/sessionkit/session"
)

// Metrics has the meter read Service.Stats at each collection. Nothing is counted here,
// so requests pay nothing for it. Unregister the result when the Service is closed.
func Metrics(svc *session.Service, meter metric.Meter) (metric.Registration, error) {
	var (
		observe []func(metric.Observer, *session.Stats)
		all     []metric.Observable
		errs    []error
	)
	for _, i := range instruments() {
		tell, observable, err := i.make(meter)
		observe, all, errs = append(observe, tell), append(all, observable), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		stats := svc.Stats()
		for _, tell := range observe {
			tell(o, &stats)
		}
		return nil
	}, all...)
}

// instrument is one of the names.
type instrument struct {
	name, unit, description string
	// attribute has the values that read passes; empty for a single number.
	attribute string
	// falls: it is a gauge, and not a counter.
	falls bool
	// read passes each value of the attribute and the number. Those of the unit s are
	// in nanoseconds.
	read func(s *session.Stats, tell func(value string, number int64))
}

// seconds is the unit of what is told as a fraction.
const seconds = "s"

// make creates the instrument.
func (i instrument) make(m metric.Meter) (tell func(metric.Observer, *session.Stats), all metric.Observable, err error) {
	unit, description := metric.WithUnit(i.unit), metric.WithDescription(i.description)
	if i.unit == seconds {
		var of metric.Float64Observable
		if i.falls {
			of, err = m.Float64ObservableGauge(i.name, unit, description)
		} else {
			of, err = m.Float64ObservableCounter(i.name, unit, description)
		}
		return func(o metric.Observer, s *session.Stats) {
			i.read(s, func(value string, n int64) { o.ObserveFloat64(of, time.Duration(n).Seconds(), i.with(value)) })
		}, of, err
	}
	var of metric.Int64Observable
	if i.falls {
		of, err = m.Int64ObservableGauge(i.name, unit, description)
	} else {
		of, err = m.Int64ObservableCounter(i.name, unit, description)
	}
	return func(o metric.Observer, s *session.Stats) {
		i.read(s, func(value string, n int64) { o.ObserveInt64(of, n, i.with(value)) })
	}, of, err
}

// with is the attribute with a value.
func (i instrument) with(value string) metric.ObserveOption {
	if i.attribute == "" {
		return metric.WithAttributes()
	}
	return metric.WithAttributes(attribute.String("sessionkit."+i.attribute, value))
}

// whole are the types of numbers in session.Stats.
type whole interface{ int | uint64 | time.Duration }

func counter[N whole](name, unit, description string, value func(*session.Stats) N) instrument {
	return instrument{
		name: "sessionkit." + name, unit: unit, description: description,
		read: func(s *session.Stats, tell func(string, int64)) { tell("", int64(value(s))) },
	}
}

func counters[K ~string, N whole](name, unit, attribute, description string, values func(*session.Stats) map[K]N) instrument {
	return instrument{
		name: "sessionkit." + name, unit: unit, attribute: attribute, description: description,
		read: func(s *session.Stats, tell func(string, int64)) {
			for k, n := range values(s) {
				tell(string(k), int64(n))
			}
		},
	}
}

// gauge makes an instrument one whose number may fall.
func gauge(i instrument) instrument {
	i.falls = true
	return i
}
