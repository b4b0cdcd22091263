//! The text packets of Engine.IO and Socket.IO, as far as the load needs them.

/// What a server sent.
#[derive(Debug, PartialEq)]
pub(crate) enum Packet<'a> {
    /// The transport is open.
    Open,
    /// A heartbeat, to be answered.
    Ping,
    /// The namespace is entered.
    Connected,
    /// An event; one with an id wants an answer. `body` is what follows the name, without the bracket.
    Event {
        id: Option<u64>,
        name: &'a str,
        body: &'a str,
    },
    /// The answer to an event of ours.
    Ack { id: u64, body: &'a str },
    /// Anything else.
    Other,
}

/// Reads a packet.
pub(crate) fn parse(text: &str) -> Packet<'_> {
    match text.as_bytes() {
        [b'0', ..] => Packet::Open,
        [b'2', ..] => Packet::Ping,
        [b'4', b'0', ..] => Packet::Connected,
        [b'4', b'2', ..] => event(&text[2..]).unwrap_or(Packet::Other),
        [b'4', b'3', ..] => ack(&text[2..]).unwrap_or(Packet::Other),
        _ => Packet::Other,
    }
}

fn event(text: &str) -> Option<Packet<'_>> {
    let (id, text) = leading_number(text);
    let (name, body) = text.strip_prefix("[\"")?.split_once('"')?;
    let body = body.strip_suffix(']')?;
    let body = body.strip_prefix(',').unwrap_or(body);
    Some(Packet::Event { id, name, body })
}

fn ack(text: &str) -> Option<Packet<'_>> {
    let (id, body) = leading_number(text);
    Some(Packet::Ack { id: id?, body })
}

fn leading_number(text: &str) -> (Option<u64>, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (text[..digits].parse().ok(), &text[digits..])
}

/// An event of ours; with an id it asks for an answer.
pub(crate) fn emit(name: &str, id: Option<u64>, payload: &str) -> String {
    match id {
        Some(id) => format!("42{id}[\"{name}\",{payload}]"),
        None => format!("42[\"{name}\",{payload}]"),
    }
}

/// The number that follows a key in JSON text.
pub(crate) fn number_after(body: &str, key: &str) -> Option<u64> {
    let at = body.find(key)? + key.len();
    let rest = body[at..].trim_start_matches(['"', ':', ' ']);
    leading_number(rest).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read_as_they_are_written() {
        let text = emit("ping", Some(12), "{\"seq\":3}");
        let body = "{\"seq\":3}";
        let id = Some(12);
        assert_eq!(
            parse(&text),
            Packet::Event {
                id,
                name: "ping",
                body
            }
        );
        assert_eq!(
            parse("42[\"end_game\"]"),
            Packet::Event {
                id: None,
                name: "end_game",
                body: ""
            }
        );
        assert_eq!(
            parse("437[{\"ok\":true}]"),
            Packet::Ack {
                id: 7,
                body: "[{\"ok\":true}]"
            }
        );
        assert_eq!(parse("40{\"sid\":\"x\"}"), Packet::Connected);
        assert_eq!(number_after(body, "seq"), Some(3));
        assert_eq!(
            number_after("{\"frame_number\": 41}", "frame_number"),
            Some(41)
        );
    }
}
