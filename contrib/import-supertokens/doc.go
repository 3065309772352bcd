// Package importsupertokens takes over the sessions of SuperTokens core with its MySQL
// plugin, so that nobody signs in again when that service, and the SDK in front of it,
// are replaced by a back end on this kit:
//
//	importer, err := importsupertokens.New(ctx, db, importsupertokens.Config{})
//	svc, err := session.New(ctx, store, session.Config{
//		Import: session.ImportConfig{From: importer, Key: importKey, Sunset: sunset},
//	})
//
// docs/from-supertokens.md says how such a move goes, and what the way back costs.
//
// It was written from the published sources; the core itself has not been run beside
// it. Comments name the file and line, or the function, that a field was read from, by
// these letters:
//
//	C  supertokens-core at 93f94493, below src/main/java/io/supertokens
//	U  the same at 03cb8d91, utils/Utils.java
//	I  the same at 3985f9fa, useridmapping/UserIdMapping.java
//	P  supertokens-mysql-plugin at 0278c2f0, below src/main/java/io/supertokens/storage/mysql
//	M  the same at b835d534, queries/UserIdMappingQueries.java
//	T  supertokens-plugin-interface at 0ad9103d, multitenancy/TenantIdentifier.java
//	N  supertokens-node at 94ed77ae, recipe/session/sessionRequestFunctions.ts
//
// # Users
//
// A row names the user that signed in, by the external id where there is one (C,
// session/Session.java, createNewSession). The application knows the primary user of
// linked accounts, by that one's external id: this is [session.Imported.UserID], found
// as createNewSession finds it. The id of the linked account itself, the SDK's
// getRecipeUserId, does not come over. Linking and unlinking end the sessions of an
// account in the core (C, authRecipe/AuthRecipe.java), so that a session's user does
// not change; leave the tables of users and mappings as they are until Sunset.
//
// # Tenants
//
// All tenants of one app come over whose rows are in the database. A session of the kit
// has no tenant, so the payload gets one: its member "tId", as in the core's access
// tokens. Whoever parts tenants must look at it, here as before. Users are one for all
// tenants of an app, and RevokeUser ends a user's sessions in all of them. A token of a
// tenant that this database does not have, because it has been deleted or has a
// database of its own, is none.
package importsupertokens
