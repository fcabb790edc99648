//go:build cli

// Package cli keeps asynq's command line among the requirements of this module; nothing here is compiled.
package cli

import _ "github.com/hibiken/asynq/tools/asynq"
