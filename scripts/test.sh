#!/bin/sh
# Every kind of test with coverage, the floors of coverage, then the unit tests on the newest Python.
# The first argument chooses by marker, as pytest's -m does.
set -e
bin=.venv/bin
$bin/coverage erase
$bin/coverage run -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations 25 -m "$1"
$bin/coverage combine --quiet
$bin/coverage json --quiet -o .coverage.json
$bin/python scripts/coverage_floors.py .coverage.json
newest=$($bin/python scripts/newest_python.py)
if [ -z "$newest" ]; then
    echo "No Python newer than $($bin/python -V) is here: the unit tests ran on that alone."
    exit 0
fi
"$newest" scripts/setup.py dev --venv .venv-newest
echo "The unit tests once more, on $(.venv-newest/bin/python -V):"
.venv-newest/bin/python -m pytest tests/unit -n 2 -m "$1" -p no:cacheprovider
