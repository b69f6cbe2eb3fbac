/// ERLPP_ASAN is defined when AddressSanitizer is on.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define ERLPP_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ERLPP_ASAN 1
#endif
#endif
