"""What the kernel of a machine tells of processes and their control groups, as files in a folder of a test."""


class KernelFiles:
    """The files; ``proc`` and ``groups`` are where they begin."""

    def __init__(self, folder):
        self.proc, self.groups = folder / "proc", folder / "cgroup"

    @staticmethod
    def write(file, text):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def group(self, path, *, kind="cgroup2", root="/", options="rw"):
        """The process is in the group ``path`` of a hierarchy of which ``root`` is mounted."""
        number, controllers = ("0", "") if kind == "cgroup2" else ("4", "memory")
        self.write(self.proc / "self" / "cgroup", f"9:name=systemd:/x\n{number}:{controllers}:{path}\n")
        self.write(
            self.proc / "self" / "mountinfo",
            "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
            f"35 31 0:32 {root} {self.groups} rw,relatime shared:9 master:1 - {kind} {kind} {options}\n",
        )
