//go:build faults

package faults_test

const childEnv = "SESSIONKIT_TEST_CHILD"

func child() {}
