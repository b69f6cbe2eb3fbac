# shellcheck shell=bash
# What the benchmarks share. Sourced, never run.
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/common.sh"

# shellcheck disable=SC2034 # for the scripts that source this
build=$checkout/build/bench

# build_bench TARGET...: as a user would, with optimisation and static libraries.
build_bench() {
  configure "$build" --buildtype=debugoptimized --default-library=static -Ddefault_both_libraries=static \
    -Dexamples=false >&2
  build_targets "$build" "$@" >&2
}

# The releases whose BEAM is measured: that of the system and every one that scripts/otp-root has made; those in
# $ERLPP_OTP_RELEASES only, if that is set.
releases() {
  local release
  for release in 25 27 29; do
    if [ -n "${ERLPP_OTP_RELEASES:-}" ] && [[ " $ERLPP_OTP_RELEASES " != *" $release "* ]]; then continue; fi
    if [ "$release" = 25 ] || "$checkout/scripts/otp-root" --path "$release" >/dev/null; then echo "$release"; fi
  done
}
