#!/bin/sh
# For zips that are run here, on the local AWS emulator: AWS's own runtime client, from the zip, in the interpreter named by
# MARKETLAKE_PYTHON. Its environment's packages are out of reach (-I -S): what the zip lacks is missing, as on Lambda.
# There is no X-Ray daemon to send to, unless somebody says so.
export POWERTOOLS_TRACE_DISABLED="${POWERTOOLS_TRACE_DISABLED:-true}"
cd "$(dirname "$0")" || exit 1
exec "$MARKETLAKE_PYTHON" -I -S -c '
import os, runpy, sys
sys.path.insert(0, os.getcwd())
sys.argv = ["awslambdaric", os.environ["_HANDLER"]]
runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
'
