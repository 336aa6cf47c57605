//! Who may ask: read from `/etc/passwd` and `/etc/group`, so that a static executable needs no
//! loadable name service.

use std::fs;

/// Owner of everything that Pacemaker keeps.
pub(crate) const DAEMON_USER: &str = "hacluster";
/// Whose members may use the tools.
pub(crate) const DAEMON_GROUP: &str = "haclient";

/// A line of `/etc/passwd`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct User {
    /// The name.
    pub(crate) name: String,
    /// The number.
    pub(crate) uid: u32,
    /// The primary group.
    pub(crate) gid: u32,
}

/// A line of `/etc/group`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Group {
    /// The number.
    pub(crate) gid: u32,
    /// The names of those for whom it is not the primary group.
    pub(crate) members: Vec<String>,
}

/// The user with this number.
pub(crate) fn user_by_id(uid: u32) -> Option<User> {
    users().find(|user| user.uid == uid)
}

/// The user with this name.
pub(crate) fn user_by_name(name: &str) -> Option<User> {
    users().find(|user| user.name == name)
}

/// The group with this name.
pub(crate) fn group_by_name(name: &str) -> Option<Group> {
    let text = fs::read_to_string("/etc/group").unwrap_or_default();
    text.lines().find_map(|line| group(line).filter(|(found, _)| found == name)).map(|(_, g)| g)
}

fn users() -> impl Iterator<Item = User> {
    let text = fs::read_to_string("/etc/passwd").unwrap_or_default();
    text.lines().filter_map(user).collect::<Vec<_>>().into_iter()
}

fn user(line: &str) -> Option<User> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    Some(User { name, uid, gid: fields.next()?.parse().ok()? })
}

fn group(line: &str) -> Option<(String, Group)> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let gid = fields.nth(1)?.parse().ok()?;
    let members = fields.next()?.split(',').map(|member| member.trim().to_owned()).collect();
    Some((name, Group { gid, members }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_field_by_field() {
        let root = user("root:x:0:0:root:/root:/bin/sh").unwrap();
        assert_eq!((root.name.as_str(), root.uid, root.gid), ("root", 0, 0));
        let (name, haclient) = group("haclient:x:189:one,two").unwrap();
        assert_eq!((name.as_str(), haclient.gid), ("haclient", 189));
        assert_eq!(haclient.members, ["one", "two"]);
        assert_eq!(user("half:x"), None);
    }
}
