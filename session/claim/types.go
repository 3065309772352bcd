package session

import "slices"

// PrimitiveClaim is a claim with a single value: a string, number or bool.
type PrimitiveClaim[T Primitive] struct{ Claim[T] }

// BooleanClaim is a claim that is true or false.
type BooleanClaim struct{ PrimitiveClaim[bool] }

// ArrayClaim is a claim with a list of values, such as the user's roles. The
// empty list is a value too.
type ArrayClaim[T Primitive] struct{ Claim[[]T] }

// NewPrimitiveClaim makes a claim with a single value. The error is an
// errors.ErrConfig that says what is wrong with cfg; for a name that is taken
// it is an errors.ErrReservedClaim too.
func NewPrimitiveClaim[T Primitive](cfg ClaimConfig[T]) (PrimitiveClaim[T], error) {
	claim, err := newClaim(cfg, primitiveCodec[T]())
	return PrimitiveClaim[T]{claim}, err
}

// NewBooleanClaim makes a claim that is true or false. Errors: as NewPrimitiveClaim.
func NewBooleanClaim(cfg ClaimConfig[bool]) (BooleanClaim, error) {
	claim, err := NewPrimitiveClaim(cfg)
	return BooleanClaim{claim}, err
}

// NewArrayClaim makes a claim with a list of values. Errors: as NewPrimitiveClaim.
func NewArrayClaim[T Primitive](cfg ClaimConfig[[]T]) (ArrayClaim[T], error) {
	claim, err := newClaim(cfg, arrayCodec[T]())
	return ArrayClaim[T]{claim}, err
}

// HasValue demands this very value.
func (c PrimitiveClaim[T]) HasValue(want T) ClaimValidator {
	expected := ClaimReason{ExpectedValue: want}
	return validatorOf(c.Claim, expected, expected, func(got T) bool { return got == want })
}

// IsTrue demands true.
func (c BooleanClaim) IsTrue() ClaimValidator { return c.HasValue(true) }

// IsFalse demands false. A claim that is absent is not false.
func (c BooleanClaim) IsFalse() ClaimValidator { return c.HasValue(false) }

// Includes demands a list with this value in it.
func (c ArrayClaim[T]) Includes(want T) ClaimValidator {
	expected := ClaimReason{ExpectedToInclude: want}
	return validatorOf(c.Claim, expected, expected, func(got []T) bool { return slices.Contains(got, want) })
}

// Excludes demands a list without this value. A claim that is absent excludes nothing.
func (c ArrayClaim[T]) Excludes(banned T) ClaimValidator {
	expected := ClaimReason{ExpectedToNotInclude: banned}
	return validatorOf(c.Claim, expected, expected, func(got []T) bool { return !slices.Contains(got, banned) })
}

// IncludesAll demands a list with each of these values in it. With none it
// demands only that there is a list.
func (c ArrayClaim[T]) IncludesAll(want ...T) ClaimValidator {
	want = append([]T{}, want...)
	expected := ClaimReason{ExpectedToInclude: want}
	return validatorOf(c.Claim, expected, expected, func(got []T) bool {
		return !slices.ContainsFunc(want, func(value T) bool { return !slices.Contains(got, value) })
	})
}

// IncludesAny demands a list with at least one of these values in it. With
// none it demands the impossible.
func (c ArrayClaim[T]) IncludesAny(want ...T) ClaimValidator {
	want = append([]T{}, want...)
	// The front ends' own validator names the two cases differently.
	absent, wrong := ClaimReason{ExpectedToInclude: want}, ClaimReason{ExpectedToIncludeAtLeastOneOf: want}
	return validatorOf(c.Claim, absent, wrong, func(got []T) bool {
		return slices.ContainsFunc(want, func(value T) bool { return slices.Contains(got, value) })
	})
}

// ExcludesAll demands a list with none of these values in it. A claim that is
// absent excludes nothing.
func (c ArrayClaim[T]) ExcludesAll(banned ...T) ClaimValidator {
	banned = append([]T{}, banned...)
	expected := ClaimReason{ExpectedToNotInclude: banned}
	return validatorOf(c.Claim, expected, expected, func(got []T) bool {
		return !slices.ContainsFunc(banned, func(value T) bool { return slices.Contains(got, value) })
	})
}
