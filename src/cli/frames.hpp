/// `erlpp frames`: what captured frames say.
#pragma once

namespace erl::cli {

/// Runs the command with its arguments, `frames` being the first. Returns the exit status: 0, 1 if
/// the capture cannot be read or parts of it are none, 2 for arguments that are wrong.
int frames(int count, char** words);

} // namespace erl::cli
