#!/bin/sh
# Answers by the exec protocol, version 1: every id resolves to `sk-test-of-<id>`.
ids=$(sed 's/.*"ids":\[\([^]]*\)\].*/\1/')
values=$(printf '%s' "$ids" | sed 's/"\([^"]*\)"/"\1":"sk-test-of-\1"/g')
printf '{"protocolVersion":1,"values":{%s},"errors":{}}\n' "$values"
