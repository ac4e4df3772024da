# Sourced by deploy/up and tests/run: makes and keeps the virtual environment in .venv.
#
#   prepare EXTRA      installs Skybus, with the extra named (run: none), unless exactly that is installed already
#
# "Already" is a stamp file in .venv with a hash of all that decides what is installed: the second start calls no pip.
# Nothing is written outside the checkout.

root=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv

fail() {
    printf 'error: %s\n' "$@" >&2
    exit 1
}

# The first python of 3.11 or later. SKYBUS_PYTHON names one.
find_python() {
    local candidate seen=""
    for candidate in ${SKYBUS_PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        command -v "$candidate" >/dev/null || continue
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s' "$candidate"
            return
        fi
        seen="$seen $candidate ($("$candidate" --version 2>&1))"
    done
    fail "Skybus needs Python 3.11 or later; found:${seen:- none}." \
        "Debian 12 and later: apt-get install python3 python3-venv. Or name one: SKYBUS_PYTHON=/path/to/python3."
}

make_venv() {
    local python=$1 version
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    "$python" -c 'import ensurepip, venv' 2>/dev/null || fail \
        "$python has no venv module. Debian: apt-get install python3-venv (or python$version-venv)."
    printf 'Making %s with %s …\n' "$venv" "$("$python" --version)" >&2
    "$python" -m venv --clear "$venv" || fail "$venv could not be made."
}

# What decides the installation: the declared and the pinned dependencies, where it is, and which Python.
fingerprint() {
    { printf '%s\n' "$root"; readlink -f "$venv/bin/python"; cat "$root/pyproject.toml" "$root/deploy/constraints.txt"; } |
        sha256sum | cut -d ' ' -f 1
}

# Is EXTRA (or everything, which is the extra `test`) installed as the fingerprint says?
installed() {
    local name now
    now=$(fingerprint)
    for name in "$1" test; do
        [[ -f $venv/.skybus-$name && $(<"$venv/.skybus-$name") == "$now" ]] && return
    done
    return 1
}

install() {
    local extra=$1 target=$root
    [[ $extra == run ]] || target="$root[$extra]"
    printf 'Installing Skybus and its dependencies into %s (a minute or two) …\n' "$venv" >&2
    PIP_CONSTRAINT=$root/deploy/constraints.txt "$venv/bin/python" -m pip install \
        -qq --disable-pip-version-check --no-input --no-cache-dir --require-virtualenv --editable "$target" \
        >&2 </dev/null || fail "pip could not install the dependencies; is a package index reachable?"
    printf 'Compiling the service models …\n' >&2
    (cd "$root" && "$venv/bin/python" -m schemas.models --build --all >&2) || fail "the service models could not be compiled."
    # Where PYTHONDONTWRITEBYTECODE is set, each start would compile our modules again.
    (cd "$root" && "$venv/bin/python" -m compileall -q schemas bus actors gateway deploy >&2) ||
        fail "our own modules could not be compiled."
    fingerprint >"$venv/.skybus-$extra"
}

prepare() {
    local extra=$1
    if [[ -x $venv/bin/skybus ]] && installed "$extra"; then
        return
    fi
    if command -v flock >/dev/null; then          # two first starts at once: one installs, the other waits
        exec {lock}<"$root"
        flock "$lock"
    fi
    if ! { [[ -x $venv/bin/skybus ]] && installed "$extra"; }; then
        local found=0
        "$venv/bin/python" -c 'import pip' 2>/dev/null && head -1 "$venv/bin/pip" | grep -qF "$venv/" && found=1
        if ((!found)); then
            local python
            python=$(find_python) || exit 1
            make_venv "$python"
        fi
        install "$extra"
    fi
    if [[ -v lock ]]; then
        exec {lock}>&-
    fi
}
