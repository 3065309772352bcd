package claim

// Reason is why a [Validator] is not content: the Reason of an [errors.ClaimFailure].
// The names in JSON are those that the front ends' own validators use; which of them
// are there depends on the message and on the validator.
type Reason struct {
	// Message is "value does not exist", "expired" or "wrong value".
	Message string `json:"message"`

	ExpectedValue                 any `json:"expectedValue,omitempty"`
	ExpectedToInclude             any `json:"expectedToInclude,omitempty"`
	ExpectedToNotInclude          any `json:"expectedToNotInclude,omitempty"`
	ExpectedToIncludeAtLeastOneOf any `json:"expectedToIncludeAtLeastOneOf,omitempty"`
	// ActualValue is there with "wrong value".
	ActualValue any `json:"actualValue,omitempty"`

	// AgeInSeconds and MaxAgeInSeconds are there with "expired".
	AgeInSeconds    *float64 `json:"ageInSeconds,omitempty"`
	MaxAgeInSeconds *float64 `json:"maxAgeInSeconds,omitempty"`
}
