#!/bin/sh
# Runs a function with AWS's own runtime client, so that an error is its class name, as on AWS, within its memory.
# Local only: there is no X-Ray daemon to send to.
export POWERTOOLS_TRACE_DISABLED=true
exec "$MARKETLAKE_PYTHON" "$MARKETLAKE_WORKER"
