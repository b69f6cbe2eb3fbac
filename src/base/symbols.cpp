/// The dynamic linker knows which file an address comes from, but only the names that the file
/// exports. Coroutines and lambdas are rarely among them; their names are in the file's own symbol
/// table, which is read here.
#include "base/symbols.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include <cxxabi.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace erl {

namespace {

/// A file of code, as it lies in memory.
struct module {
  std::uintptr_t address; // looked for
  std::uintptr_t base = 0;
  std::string path;
};

int find_module(dl_phdr_info* info, std::size_t, void* context) {
  auto& wanted = *static_cast<module*>(context);
  for (const ElfW(Phdr) & part : std::span(info->dlpi_phdr, info->dlpi_phnum))
    if (part.p_type == PT_LOAD && wanted.address - info->dlpi_addr - part.p_vaddr < part.p_memsz) {
      wanted.base = info->dlpi_addr;
      wanted.path = info->dlpi_name;
      return 1;
    }
  return 0;
}

/// The bytes of a file.
class mapped_file {
public:
  explicit mapped_file(const char* path) {
    const int file = ::open(path, O_RDONLY | O_CLOEXEC);
    struct stat status{};
    if (file >= 0 && ::fstat(file, &status) == 0 && status.st_size > 0) {
      const auto size = static_cast<std::size_t>(status.st_size);
      void* at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
      if (at != MAP_FAILED)
        bytes_ = {static_cast<const std::byte*>(at), size};
    }
    if (file >= 0)
      ::close(file);
  }
  mapped_file(const mapped_file&) = delete;
  mapped_file& operator=(const mapped_file&) = delete;
  ~mapped_file() {
    if (!bytes_.empty())
      ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  }

  /// `count` values at `offset`; nothing if the file is too short.
  template <class T> std::span<const T> at(std::uint64_t offset, std::uint64_t count) const {
    if (offset > bytes_.size() || count > (bytes_.size() - offset) / sizeof(T) ||
        offset % alignof(T) != 0)
      return {};
    return {reinterpret_cast<const T*>(bytes_.data() + offset), static_cast<std::size_t>(count)};
  }

private:
  std::span<const std::byte> bytes_;
};

struct symbol {
  std::string name;
  std::uintptr_t distance = 0;
};

symbol find_symbol(const mapped_file& file, std::uintptr_t address) {
  const auto header = file.at<ElfW(Ehdr)>(0, 1);
  if (header.empty() || std::memcmp(header[0].e_ident, ELFMAG, SELFMAG) != 0)
    return {};
  const auto sections = file.at<ElfW(Shdr)>(header[0].e_shoff, header[0].e_shnum);
  for (const ElfW(Shdr) & table : sections) {
    if ((table.sh_type != SHT_SYMTAB && table.sh_type != SHT_DYNSYM) ||
        table.sh_link >= sections.size())
      continue;
    const ElfW(Shdr)& names = sections[table.sh_link];
    const auto text = file.at<char>(names.sh_offset, names.sh_size);
    for (const ElfW(Sym) & s :
         file.at<ElfW(Sym)>(table.sh_offset, table.sh_size / sizeof(ElfW(Sym))))
      if ((s.st_info & 0xf) == STT_FUNC && s.st_shndx != SHN_UNDEF && s.st_name < text.size() &&
          address - s.st_value < s.st_size) {
        const auto rest = text.subspan(s.st_name);
        return {std::string(rest.data(), ::strnlen(rest.data(), rest.size())),
                address - s.st_value};
      }
  }
  return {};
}

std::string demangled(const std::string& name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? text.get() : name;
}

std::string hexadecimal(std::uintptr_t number) {
  std::array<char, 2 * sizeof number> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  return "0x" + std::string(digits.data(), end);
}

} // namespace

std::string name_of_code(std::uintptr_t address) {
  module found{address};
  if (dl_iterate_phdr(find_module, &found) == 0)
    return hexadecimal(address);
  if (found.path.empty()) { // the program itself
    std::array<char, 4096> path;
    const auto size = ::readlink("/proc/self/exe", path.data(), path.size());
    found.path.assign(path.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  }
  const symbol s = find_symbol(mapped_file(found.path.c_str()), address - found.base);
  const std::string where = s.name.empty() ? hexadecimal(address - found.base)
                                           : demangled(s.name) + '+' + hexadecimal(s.distance);
  return where + " in " + found.path;
}

} // namespace erl
