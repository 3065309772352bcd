package gormstore_test

const childTarget = "GORMSTORE_TEST_MIGRATE"

func migrateAsChild(string) int { return 0 }
