// Package claim demands facts about the user, such as a role or a verified address, of
// a session.
//
// A claim is such a fact, kept in the session's payload with the time at which it was
// found out: verifying it needs no database, and a page can read it. You define a claim
// once, at start; it is safe for concurrent use:
//
//	roles, err := claim.NewArray(claim.Config[[]string]{
//		ID: "roles",
//		Fetch: func(ctx context.Context, userID string) ([]string, bool, error) {
//			list, err := db.RolesOf(ctx, userID)
//			return list, true, err
//		},
//	})
//
// Its methods make validators, and [session.WithClaims] demands them of a route:
//
//	admins := session.WithClaims(roles.Includes("admin"))
//	admin := router.Group("/admin", middleware.Verify(svc, admins))
//
// A user who does not meet a demand stays signed in, and gets 403
// (session.Config.InvalidClaimStatus) with the reasons; in Go they are in an
// [errors.ClaimError]. [Single] is for one value; a yes or no is a Single[bool].
//
// # Where the value comes from
//
// With Config.Fetch the value is fetched when a validator finds none, or one that is
// too old, and then kept; the client gets a new access token in the same response. To
// have it there from the beginning, pass [Claim.FetchAtCreation] to the sign-in.
// Without Fetch it is what [Claim.AtCreation] and [Claim.Set] say.
//
// A Fetch that fails logs nobody out: the answer is 500, or 503 when
// the error is an errors.ErrUnavailable or the request ran out of time.
//
// # How old a value may be
//
// What can be fetched is fetched again after five minutes (Config.DefaultMaxAge): a
// demotion takes effect within five minutes, without a new sign-in. A validator sets
// another age for its route by [Validator.MaxAge] or [Validator.AnyAge].
//
// # On the wire
//
// A claim is this member of the payload, as the claims of the SuperTokens front ends
// read it; a value of any other shape counts as absent:
//
//	"<id>": {"v": <value>, "t": <Unix milliseconds>}
//
// The answer to a failed demand is the one that these front ends expect, with a
// [Reason] for each validator:
//
//	{"message": "invalid claim", "claimValidationErrors": [
//		{"id": "roles", "reason": {"message": "wrong value",
//			"expectedToInclude": "admin", "actualValue": ["reader"]}}
//	]}
//
// # Demands of another kind
//
// For a demand that is not a claim, such as a recent sign-in, write a
// [session.Validator].
package claim
