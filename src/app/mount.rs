//! Where the data folder lies. A file system over a network promises less than the store counts on: locks and `fsync` may
//! mean nothing there.
use std::path::Path;

/// File systems over a network by their numbers (statfs(2)).
#[cfg(target_os = "linux")]
const NETWORK: &[(u32, &str)] = &[
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB"),
    (0x00C3_6400, "Ceph"),
    (0x0102_1997, "9P"),
    (0x5346_414F, "AFS"),
];

/// Says so when the folder lies on a network.
pub fn warn_of_network(folder: &Path) {
    if let Some(kind) = network(folder) {
        let folder = folder.display();
        tracing::warn!(%folder, kind, "the data folder lies on a network: what is acknowledged there may be lost; use a local disk");
    }
}

#[cfg(target_os = "linux")]
fn network(folder: &Path) -> Option<&'static str> {
    let number = i128::from(rustix::fs::statfs(folder).ok()?.f_type);
    // Some architectures give it with a sign.
    name_of(u32::try_from(number & 0xFFFF_FFFF).ok()?)
}

#[cfg(not(target_os = "linux"))]
fn network(_: &Path) -> Option<&'static str> {
    None
}

#[cfg(target_os = "linux")]
fn name_of(number: u32) -> Option<&'static str> {
    NETWORK.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_told_from_a_disk() {
        assert_eq!(name_of(0x6969), Some("NFS"));
        assert_eq!(name_of(0xEF53), None);
        assert_eq!(network(Path::new("/proc")), None);
        assert_eq!(network(Path::new("/no/such/folder")), None);
    }
}
