package claim

import "slices"

// Single is a claim with a single value: a string, number or bool.
type Single[T Scalar] struct{ Claim[T] }

// Array is a claim with a list of values, such as the user's roles. The
// empty list is a value too.
type Array[T Scalar] struct{ Claim[[]T] }

// NewSingle makes a claim with a single value. The error is an
// [errors.ErrConfig] that says what is wrong with cfg; for a name that is taken
// it is an [errors.ErrReservedClaim] too.
func NewSingle[T Scalar](cfg Config[T]) (Single[T], error) {
	claim, err := newClaim(cfg, scalarCodec[T]())
	return Single[T]{claim}, err
}

// NewArray makes a claim with a list of values. Errors: as NewSingle.
func NewArray[T Scalar](cfg Config[[]T]) (Array[T], error) {
	claim, err := newClaim(cfg, arrayCodec[T]())
	return Array[T]{claim}, err
}

// HasValue demands this very value. A claim that is absent has none: a Single[bool]
// that was never set is neither true nor false.
func (c Single[T]) HasValue(want T) Validator {
	expected := Reason{ExpectedValue: want}
	return validatorOf(c.Claim, expected, expected, func(got T) bool { return got == want })
}

// Includes demands a list with this value in it.
func (c Array[T]) Includes(want T) Validator {
	expected := Reason{ExpectedToInclude: want}
	return validatorOf(c.Claim, expected, expected, func(got []T) bool { return slices.Contains(got, want) })
}

// Excludes demands a list without this value. A claim that is absent excludes nothing.
func (c Array[T]) Excludes(banned T) Validator {
	expected := Reason{ExpectedToNotInclude: banned}
	return validatorOf(c.Claim, expected, expected, func(got []T) bool { return !slices.Contains(got, banned) })
}

// IncludesAll demands a list with each of these values in it. With none it
// demands only that there is a list.
func (c Array[T]) IncludesAll(want ...T) Validator {
	want = append([]T{}, want...)
	expected := Reason{ExpectedToInclude: want}
	return validatorOf(c.Claim, expected, expected, func(got []T) bool {
		return !slices.ContainsFunc(want, func(value T) bool { return !slices.Contains(got, value) })
	})
}

// IncludesAny demands a list with at least one of these values in it. With
// none it demands the impossible.
func (c Array[T]) IncludesAny(want ...T) Validator {
	want = append([]T{}, want...)
	// The front ends' own validator names the two cases differently.
	absent, wrong := Reason{ExpectedToInclude: want}, Reason{ExpectedToIncludeAtLeastOneOf: want}
	return validatorOf(c.Claim, absent, wrong, func(got []T) bool {
		return slices.ContainsFunc(want, func(value T) bool { return slices.Contains(got, value) })
	})
}

// ExcludesAll demands a list with none of these values in it. A claim that is
// absent excludes nothing.
func (c Array[T]) ExcludesAll(banned ...T) Validator {
	banned = append([]T{}, banned...)
	expected := Reason{ExpectedToNotInclude: banned}
	return validatorOf(c.Claim, expected, expected, func(got []T) bool {
		return !slices.ContainsFunc(banned, func(value T) bool { return slices.Contains(got, value) })
	})
}
