#!/bin/sh
# Print a Python of 3.11 or newer that can make virtual environments, or say why there is none.
# Every Python on the PATH is tried, also those that a version manager pretends to have.
old="" bare=""
for python in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        old="$old $python is $version;"
    elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        bare="$python"
    else
        echo "$python"
        exit 0
    fi
done
if [ -n "$bare" ]; then
    echo "$bare has no venv module, which the set-up needs." >&2
    echo "Install it (Debian, Ubuntu: the package python3-venv), or name another Python: make PYTHON=/path/to/python3 run" >&2
else
    echo "Python 3.11 or newer is needed;${old:- no python3 was found on the PATH.}" >&2
    echo "Install one, or name it: make PYTHON=/path/to/python3.12 run" >&2
fi
exit 1
