// Package refresh holds the ready-made Gin routes that front ends call by
// themselves: refresh and sign-out.
//
//	refresh.Mount(router, svc, refresh.OnTheft(func(ctx context.Context, theft *errors.TokenTheftError) {
//		notifyUser(ctx, theft.UserID)
//	}))
package refresh
