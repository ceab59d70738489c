//! Messages, field by field, written independently of the parser: a head, then the body in the
//! specification's order.

/// Where and when: stock locate and nanoseconds since midnight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub(crate) locate: u16,
    pub(crate) stamp: u64,
}

/// Builds one message.
#[derive(Clone, Debug)]
pub(crate) struct Body(Vec<u8>);

impl Body {
    pub(crate) fn new(code: u8, at: At) -> Self {
        let mut bytes = vec![code];
        bytes.extend(at.locate.to_be_bytes());
        bytes.extend(0u16.to_be_bytes());
        bytes.extend(&at.stamp.to_be_bytes()[2..]);
        Self(bytes)
    }

    pub(crate) fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub(crate) fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(crate) fn u64(mut self, value: u64) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// Text padded with spaces on the right.
    pub(crate) fn text(mut self, text: &str, width: usize) -> Self {
        self.0.extend(format!("{text:width$}").bytes());
        self
    }

    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }
}

pub(crate) fn system(at: At, event: u8) -> Vec<u8> {
    Body::new(b'S', At { locate: 0, ..at }).u8(event).done()
}

pub(crate) fn directory(at: At, stock: &str, round_lots_only: u8) -> Vec<u8> {
    let body = Body::new(b'R', at).text(stock, 8).text("QN", 2).u32(100);
    let body = body.u8(round_lots_only).text("CZ PN 1N", 8);
    body.u32(0).text("N", 1).done()
}

pub(crate) fn action(at: At, stock: &str, state: u8, reason: &str) -> Vec<u8> {
    let body = Body::new(b'H', at).text(stock, 8).u8(state).text("", 1);
    body.text(reason, 4).done()
}

pub(crate) fn operational(at: At, stock: &str, market: u8, action: u8) -> Vec<u8> {
    Body::new(b'h', at)
        .text(stock, 8)
        .u8(market)
        .u8(action)
        .done()
}

pub(crate) fn add(at: At, id: u64, side: u8, shares: u32, stock: &str, price: u32) -> Vec<u8> {
    let body = Body::new(b'A', at).u64(id).u8(side).u32(shares);
    body.text(stock, 8).u32(price).done()
}

pub(crate) fn add_mpid(at: At, id: u64, side: u8, shares: u32, stock: &str, price: u32) -> Vec<u8> {
    let body = Body::new(b'F', at).u64(id).u8(side).u32(shares);
    body.text(stock, 8).u32(price).text("UBSS", 4).done()
}

pub(crate) fn executed(at: At, id: u64, shares: u32, match_id: u64) -> Vec<u8> {
    Body::new(b'E', at).u64(id).u32(shares).u64(match_id).done()
}

pub(crate) fn executed_at(at: At, id: u64, shares: u32, printable: u8, price: u32) -> Vec<u8> {
    let body = Body::new(b'C', at).u64(id).u32(shares).u64(900);
    body.u8(printable).u32(price).done()
}

pub(crate) fn cancel(at: At, id: u64, shares: u32) -> Vec<u8> {
    Body::new(b'X', at).u64(id).u32(shares).done()
}

pub(crate) fn delete(at: At, id: u64) -> Vec<u8> {
    Body::new(b'D', at).u64(id).done()
}

pub(crate) fn replace(at: At, id: u64, new: u64, shares: u32, price: u32) -> Vec<u8> {
    let body = Body::new(b'U', at).u64(id).u64(new);
    body.u32(shares).u32(price).done()
}

pub(crate) fn trade(at: At, shares: u32, stock: &str, price: u32, match_id: u64) -> Vec<u8> {
    let body = Body::new(b'P', at).u64(0).u8(b'B').u32(shares);
    body.text(stock, 8).u32(price).u64(match_id).done()
}

pub(crate) fn cross(at: At, shares: u64, stock: &str, price: u32, match_id: u64) -> Vec<u8> {
    let body = Body::new(b'Q', at).u64(shares).text(stock, 8);
    body.u32(price).u64(match_id).u8(b'O').done()
}

/// One message of every type, all about `stock`, in the specification's order.
pub(crate) fn one_of_each(at: At, stock: &str) -> Vec<Vec<u8>> {
    let body = |code| Body::new(code, at);
    vec![
        system(at, b'O'),
        directory(at, stock, b'N'),
        action(at, stock, b'T', ""),
        body(b'Y').text(stock, 8).u8(b'0').done(),
        body(b'L')
            .text("MAXM", 4)
            .text(stock, 8)
            .text("YNA", 3)
            .done(),
        body(b'V').u64(1).u64(2).u64(3).done(),
        body(b'W').u8(b'1').done(),
        body(b'K').text(stock, 8).u32(34_200).u8(b'A').u32(1).done(),
        body(b'J').text(stock, 8).u32(1).u32(2).u32(3).u32(4).done(),
        operational(at, stock, b'Q', b'T'),
        add(at, 1, b'B', 100, stock, 10_000),
        add_mpid(at, 2, b'S', 100, stock, 10_100),
        executed(at, 1, 10, 5),
        executed_at(at, 1, 10, b'Y', 9_900),
        cancel(at, 1, 10),
        delete(at, 1),
        replace(at, 2, 3, 50, 10_200),
        trade(at, 5, stock, 10_050, 6),
        cross(at, 7, stock, 10_050, 7),
        body(b'B').u64(5).done(),
        body(b'I')
            .u64(1)
            .u64(2)
            .u8(b'B')
            .text(stock, 8)
            .u32(1)
            .u32(2)
            .u32(3)
            .text("OL", 2)
            .done(),
        body(b'N').text(stock, 8).u8(b'A').done(),
        body(b'O')
            .text(stock, 8)
            .u8(b'Y')
            .u32(1)
            .u32(2)
            .u32(3)
            .u64(4)
            .u32(5)
            .u32(6)
            .done(),
    ]
}

/// Messages as a BinaryFILE, without its end.
pub(crate) fn binary_file(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for message in messages {
        bytes.extend((message.len() as u16).to_be_bytes());
        bytes.extend(message);
    }
    bytes
}

/// A MoldUDP64 packet.
pub(crate) fn packet(session: &[u8; 10], sequence: u64, messages: &[Vec<u8>]) -> Vec<u8> {
    header(session, sequence, messages.len() as u16)
        .into_iter()
        .chain(binary_file(messages))
        .collect()
}

/// A MoldUDP64 packet without messages: a heartbeat, an end of session, or a lie.
pub(crate) fn header(session: &[u8; 10], sequence: u64, count: u16) -> Vec<u8> {
    let mut bytes = session.to_vec();
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(count.to_be_bytes());
    bytes
}

/// What a request server answers: the messages asked for, as many as fit into one packet.
pub(crate) fn answer(request: &feed::moldudp::Request, messages: &[Vec<u8>]) -> Option<Vec<u8>> {
    let from = usize::try_from(request.sequence.checked_sub(1)?).ok()?;
    let asked = messages.get(from..)?;
    let mut size = 20;
    let fits = asked
        .iter()
        .take(usize::from(request.count))
        .take_while(|message| {
            size += 2 + message.len();
            size <= 1_400
        });
    let count = fits.count();
    (count > 0).then(|| packet(&request.session, request.sequence, &asked[..count]))
}
