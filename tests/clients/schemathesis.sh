#!/bin/sh
# Fuzzes a running server against the OpenAPI document that it serves: no 500, no status, media type or body that is not in
# the document. Takes about two minutes.
#
# usage: tests/clients/schemathesis.sh BASE_URL [KEY]
#
# Needs what tests/clients/requirements-schemathesis.txt names; SCHEMATHESIS says where the program is.
set -eu

base=${1:?usage: schemathesis.sh BASE_URL [KEY]}
key=${2:-}
auth=
if [ -n "$key" ]; then
    auth=,ignored_auth
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

set -- run "$base/openapi.json" --url "$base" \
    --phases examples,coverage,fuzzing,stateful --max-examples "${EXAMPLES:-25}" --max-time "${SECONDS_IN_ALL:-120}" \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,unsupported_method$auth \
    --suppress-health-check all --request-timeout 60 --continue-on-failure --seed 1 --workers 1 --no-color \
    --report junit --report-junit-path "$folder/report.xml"
if [ -n "$key" ]; then
    set -- "$@" --header "Authorization: Bearer $key"
fi
status=0
# Its own store of examples stays out of the working folder.
(cd "$folder" && "${SCHEMATHESIS:-schemathesis}" "$@") || status=$?

python3 - "$folder/report.xml" <<'P'
import sys
import xml.etree.ElementTree as tree

cases = [case for case in tree.parse(sys.argv[1]).iter("testcase")]
failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
print(f"{len(cases) - len(failed)} passed, {len(failed)} failed")
sys.exit(1 if failed or not cases else 0)
P
exit "$status"
