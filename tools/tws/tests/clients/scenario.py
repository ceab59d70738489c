"""One scenario for all clients of the paper server.

An adapter (`insync.py`, `native.py`) drives one client library, unmodified, and fills plain
tables: orders, executions, quotes. What must hold of them is said here once, by name. Each
assertion prints one JSON line; `run` counts them.
"""

import json
import os
import sys
import time

# Every assertion of the scenario. `run` wants each of them checked, or named by the adapter as
# lacking in its library.
NAMES = """
session.version session.account session.next-order-id session.time
contract.con-id contract.min-tick contract.hours contract.time-zone contract.unknown-200
contract.symbols contract.market-rule
quote.bid-below-ask quote.sizes quote.last quote.halted quote.shortable quote.rt-volume
depth.rows depth.sizes depth.bids-fall depth.asks-rise depth.not-crossed depth.near-quote
depth.slots-309
ticks.last ticks.bid-ask ticks.past
history.bars history.range history.ordered history.head-timestamp history.schedule
bars.real-time scanner.rows
order.rests order.modify order.cancel-202 order.off-tick-110 order.cancel-unknown-10147
order.what-if order.global-cancel
bracket.parents bracket.children-held bracket.cancelled-with-parent
bracket.partial-fills bracket.target-filled bracket.stop-cancelled bracket.flat
bracket.quantity bracket.filled bracket.remaining bracket.average
execution.sides execution.order-ref execution.cumulative execution.prices execution.again
commission.each commission.schedule
position.size position.cost account.net-liquidation account.buying-power account.updates
portfolio.value pnl.daily pnl.single pnl.single-value completed.orders completed.filled
""".split()

# Seconds for anything that the server is to say; less where it is known to say something wrong.
PATIENCE = float(os.environ.get("SCENARIO_PATIENCE", "20"))
# Real-time bars come every five seconds.
BAR_PATIENCE = max(PATIENCE, 8.0)
# What the server's account begins with: enough for `MANY`.
CASH = 1_000_000
# More shares than one level of the market offers, fewer than those within a percent of its best.
MANY = 40_000


class Report:
    """Prints what was seen and remembers what failed."""

    def __init__(self):
        self.seen = set()
        self.failed = 0

    def check(self, name, holds, seen=""):
        if name not in NAMES:
            raise SystemExit(f"{name} is not in the scenario's list")
        self.seen.add(name)
        self.failed += not holds
        line = {"name": name, "ok": bool(holds), "seen": str(seen)[:200]}
        print(json.dumps(line), flush=True)


class Adapter:
    """What an adapter fills in. Ids are the client's own numbers."""

    lacks = frozenset()

    def __init__(self):
        self.orders = {}  # id -> dict(status, filled, remaining, average, quantity, parent, limit)
        self.executions = {}  # exec id -> dict(order, side, shares, price, cumulative, ref)
        self.commissions = {}  # exec id -> amount
        self.errors = []  # (id, code)
        self.positions = {}  # symbol -> size
        self.costs = {}  # symbol -> average cost
        self.summary = {}  # tag -> text

    def wait(self, holds, seconds=PATIENCE):
        """Lets the library work until something holds; says whether it did."""
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                return False
            self.work(0.02)
        return True

    def status(self, order):
        return self.orders.get(order, {}).get("status", "")

    def has_error(self, code):
        return any(seen == code for _, seen in self.errors)


class Ladder:
    """Rows of depth as a client keeps them."""

    def __init__(self):
        self.sides = {0: [], 1: []}

    def row(self, position, operation, side, price, size):
        rows = self.sides[side]
        if operation == 0:
            rows.insert(position, (price, size))
        elif operation == 1 and position < len(rows):
            rows[position] = (price, size)
        elif operation == 2 and position < len(rows):
            del rows[position]

    def bids(self):
        return self.sides[1]

    def asks(self):
        return self.sides[0]


def rounded(price, tick=0.01):
    return round(round(price / tick) * tick, 6)


def session(c, r, host, port):
    try:
        about = c.connect(host, port)
    except Exception as error:  # whatever the library makes of a session that it cannot use
        about = {"version": 0, "accounts": repr(error), "next_id": 0}
    r.check("session.version", about["version"] == c.version, about["version"])
    r.check("session.account", about["accounts"] == ["DU1234567"], about["accounts"])
    r.check("session.next-order-id", 1 <= about["next_id"] < 1_000, about["next_id"])
    if r.failed:
        sys.exit(1)
    now = c.server_time()
    r.check("session.time", abs(now - time.time()) < 5, now)


def contracts(c, r, symbol):
    found = c.details(symbol)
    r.check("contract.con-id", len(found) == 1 and found[0]["con_id"] > 0, found)
    r.check("contract.min-tick", found[0]["min_tick"] == 0.01, found[0]["min_tick"])
    hours = found[0]["liquid_hours"].split(";")
    day = hours[0]
    fits = day.endswith("CLOSED") or (len(day.split("-")) == 2 and day[8] == ":")
    r.check("contract.hours", fits and len(hours) > 1, day)
    r.check("contract.time-zone", found[0]["time_zone"] == "US/Eastern", found[0]["time_zone"])
    c.details("NOSUCHSYM")
    r.check("contract.unknown-200", c.wait(lambda: c.has_error(200)), c.errors)
    samples = c.symbols(symbol[:3])
    r.check("contract.symbols", symbol in samples, samples)
    steps = c.market_rule(int(str(found[0]["market_rules"]).split(",")[0] or 0))
    r.check("contract.market-rule", bool(steps) and steps[-1][1] == 0.01, steps)
    return found[0]["con_id"]


def quotes(c, r, symbol):
    wanted = ("bid", "ask", "last", "bid_size", "ask_size", "halted", "shortable", "rt_volume")
    quote = c.quote(symbol, "233,236")
    if "quote.shortable" in c.lacks:
        wanted = tuple(name for name in wanted if name != "shortable")
    c.wait(lambda: all(quote.get(name) is not None for name in wanted))
    bid, ask = quote.get("bid") or 0, quote.get("ask") or 0
    r.check("quote.bid-below-ask", 0 < bid < ask, quote)
    sizes = (quote.get("bid_size") or 0, quote.get("ask_size") or 0)
    r.check("quote.sizes", min(sizes) >= 1, sizes)
    last = quote.get("last") or 0
    r.check("quote.last", abs(last - bid) < 0.05 * bid, last)
    r.check("quote.halted", quote.get("halted") == 0, quote.get("halted"))
    if "quote.shortable" not in c.lacks:
        shortable = quote.get("shortable") or 0
        r.check("quote.shortable", shortable > 2.5, shortable)
    r.check("quote.rt-volume", (quote.get("rt_volume") or 0) > 0, quote.get("rt_volume"))
    return quote


def depth(c, r, symbols, quote):
    ladder = c.depth(symbols[0], 10)
    c.wait(lambda: len(ladder.bids()) >= 3 and len(ladder.asks()) >= 3)
    c.work(1.0)
    bids = [price for price, _ in ladder.bids()]
    asks = [price for price, _ in ladder.asks()]
    r.check("depth.rows", 3 <= len(bids) <= 10 and 3 <= len(asks) <= 10, (len(bids), len(asks)))
    r.check("depth.bids-fall", bids == sorted(set(bids), reverse=True), bids)
    r.check("depth.asks-rise", asks == sorted(set(asks)), asks)
    r.check("depth.not-crossed", bool(bids and asks) and bids[0] < asks[0], (bids, asks))
    near = bool(bids) and abs(bids[0] - (quote["bid"] or 0)) < 0.05 * bids[0]
    r.check("depth.near-quote", near, (bids[:1], quote["bid"]))
    sizes = [size for _, size in ladder.bids() + ladder.asks()]
    r.check("depth.sizes", bool(sizes) and min(sizes) >= 1, sizes)
    for other in symbols[1:4]:
        c.depth(other, 5)
    r.check("depth.slots-309", c.wait(lambda: c.has_error(309)), c.errors)


def ticks(c, r, symbol, quote):
    lasts = c.ticks(symbol, "Last")
    quotes = c.ticks(symbol, "BidAsk")
    c.wait(lambda: lasts and quotes)
    r.check("ticks.last", bool(lasts) and close_to(lasts[0][0], quote) and lasts[0][1] > 0, lasts[:1])
    fits = bool(quotes) and 0 < quotes[0][0] <= quotes[0][1] and close_to(quotes[0][1], quote)
    r.check("ticks.bid-ask", fits, quotes[:1])
    past = c.past_ticks(symbol)
    fits = bool(past) and all(close_to(price, quote) for price in past)
    r.check("ticks.past", fits, past[:2])


def close_to(price, quote):
    return abs(price - (quote["bid"] or 0)) < 0.05 * price


def history(c, r, symbol):
    bars = c.history(symbol)
    r.check("history.bars", len(bars) > 10, len(bars))
    inside = all(b["low"] <= min(b["open"], b["close"]) <= b["high"] for b in bars)
    r.check("history.range", bars and inside, bars[:1])
    dates = [b["date"] for b in bars]
    r.check("history.ordered", dates == sorted(set(dates)), dates[:2])
    r.check("history.head-timestamp", c.head_timestamp(symbol)[:2] == "20", "")
    if "history.schedule" not in c.lacks:
        days = c.schedule(symbol)
        fits = len(days) == 5 and days == sorted(set(days)) and days[0][:2] == "20"
        r.check("history.schedule", fits, days)
    bar = c.real_time_bar(symbol)
    fits = bar is not None and bar["low"] <= min(bar["open"], bar["close"])
    fits = fits and max(bar["open"], bar["close"]) <= bar["high"]
    r.check("bars.real-time", fits, bar)
    rows = c.scan()
    ranks = [rank for rank, _ in rows]
    r.check("scanner.rows", ranks == list(range(len(ranks))) and len(ranks) > 1, rows[:3])


def single_orders(c, r, symbol, quote):
    far = rounded(quote["bid"] * 0.9)
    order = c.place(symbol, "BUY", 10, "LMT", limit=far, ref="rests")
    rests = c.wait(lambda: c.status(order) == "Submitted")
    r.check("order.rests", rests, c.orders.get(order))
    c.change(order, limit=rounded(far + 0.5))
    moved = c.wait(lambda: c.orders[order].get("limit") == rounded(far + 0.5))
    r.check("order.modify", moved, c.orders.get(order))
    c.cancel(order)
    ended = c.wait(lambda: c.status(order) == "Cancelled" and c.has_error(202))
    r.check("order.cancel-202", ended, (c.status(order), c.errors[-3:]))
    c.place(symbol, "BUY", 10, "LMT", limit=far + 0.0037, ref="off")
    r.check("order.off-tick-110", c.wait(lambda: c.has_error(110)), c.errors[-3:])
    c.cancel_unknown(order + 400_000)
    r.check("order.cancel-unknown-10147", c.wait(lambda: c.has_error(10147)), c.errors[-3:])
    margin, fee = c.what_if(symbol, "BUY", 100, quote["ask"])
    r.check("order.what-if", margin > 0 and fee > 0, (margin, fee))
    two = [c.place(symbol, "BUY", 5, "LMT", limit=far, ref=f"all-{n}") for n in range(2)]
    c.wait(lambda: all(c.status(o) == "Submitted" for o in two))
    c.global_cancel()
    gone = c.wait(lambda: all(c.status(o) == "Cancelled" for o in two))
    r.check("order.global-cancel", gone, [c.status(o) for o in two])


def far_bracket(c, r, symbol, quote):
    parent, stop, target = c.bracket(
        symbol, 10, rounded(quote["bid"] * 0.92), rounded(quote["bid"] * 0.9),
        rounded(quote["bid"] * 0.95), "far",
    )
    c.wait(lambda: c.status(parent) == "Submitted" and c.status(target) == "PreSubmitted")
    parents = {c.orders.get(o, {}).get("parent") for o in (stop, target)}
    r.check("bracket.parents", parents == {parent}, parents)
    held = {c.status(stop), c.status(target)}
    r.check("bracket.children-held", held == {"PreSubmitted"}, held)
    c.cancel(parent)
    every = (parent, stop, target)
    ended = c.wait(lambda: all(c.status(o) == "Cancelled" for o in every))
    r.check("bracket.cancelled-with-parent", ended, [c.status(o) for o in every])


def bracket(c, r, symbol):
    """The parent takes more than one level; the target can be had at once, the stop is far."""
    now = c.quote(symbol, "")
    c.wait(lambda: now.get("bid") and now.get("ask"))
    qty = MANY
    parent, stop, target = c.bracket(
        symbol, qty, rounded(now["ask"] * 1.01), rounded(now["bid"] * 0.9),
        rounded(now["bid"] * 0.99), "fills",
    )
    filled = c.wait(lambda: c.status(parent) == "Filled")
    own = [e for e in c.executions.values() if e["order"] == parent]
    total = sum(e["shares"] for e in own)
    r.check("bracket.partial-fills", filled and len(own) > 1 and total == qty, (qty, own))
    known = c.orders.get(parent, {})
    r.check("bracket.quantity", known.get("quantity") == qty, known)
    r.check("bracket.filled", known.get("filled") == qty, known)
    r.check("bracket.remaining", known.get("remaining") == 0, known)
    mean = sum(e["shares"] * e["price"] for e in own) / max(total, 1)
    average = known.get("average") or 0
    r.check("bracket.average", abs(average - mean) < 0.001, (average, mean))
    inside = all(now["ask"] * 0.97 < e["price"] <= rounded(now["ask"] * 1.01) for e in own)
    r.check("execution.prices", bool(own) and inside, own[:1])
    done = c.wait(lambda: c.status(target) == "Filled")
    r.check("bracket.target-filled", done, c.orders.get(target))
    ended = c.wait(lambda: c.status(stop) == "Cancelled")
    r.check("bracket.stop-cancelled", ended, c.orders.get(stop))
    sold = [e for e in c.executions.values() if e["order"] == target]
    flat = total == sum(e["shares"] for e in sold)
    r.check("bracket.flat", flat, (total, len(sold)))
    sides = {e["side"] for e in own} | {e["side"] for e in sold}
    r.check("execution.sides", sides == {"BOT", "SLD"}, sides)
    r.check("execution.order-ref", all(e["ref"] == "fills" for e in own), own[:1])
    last = max((e["cumulative"] for e in own), default=0)
    r.check("execution.cumulative", last == qty, last)
    fees = c.wait(lambda: set(c.commissions) >= set(c.executions))
    paid = fees and all(0 < fee < 1_000 for fee in c.commissions.values())
    r.check("commission.each", paid, c.commissions)
    # Fixed schedule, a purchase: half a cent a share, at least a dollar, at most 1 % of the value.
    due = min(max(0.005 * qty, 1.0), 0.01 * qty * mean)
    bought = sum(c.commissions.get(i, 0) for i, e in c.executions.items() if e["order"] == parent)
    r.check("commission.schedule", abs(bought - due) < 0.01, (bought, due))
    again = c.executions_again()
    r.check("execution.again", again == set(c.executions), (len(again), len(c.executions)))


def account(c, r, symbol, con_id, quote):
    order = c.place(symbol, "BUY", 7, "MKT", ref="holds")
    c.wait(lambda: c.status(order) == "Filled")
    c.want_positions()
    held = c.wait(lambda: c.positions.get(symbol) == 7)
    r.check("position.size", held, c.positions)
    cost = c.costs.get(symbol, 0)
    r.check("position.cost", close_to(cost or 1, quote), cost)
    c.want_summary("NetLiquidation,BuyingPower")
    c.wait(lambda: {"NetLiquidation", "BuyingPower"} <= set(c.summary))
    net = float(c.summary.get("NetLiquidation", 0))
    r.check("account.net-liquidation", abs(net - CASH) < 0.05 * CASH, net)
    power = float(c.summary.get("BuyingPower", 0))
    r.check("account.buying-power", power > net, power)
    updated, worth = c.account_updates(symbol)
    r.check("account.updates", abs(updated - net) < 0.01 * net, (updated, net))
    r.check("portfolio.value", close_to(worth / 7 or 1, quote), worth)
    daily = c.pnl()
    r.check("pnl.daily", daily is not None and abs(daily) < 0.1 * net, daily)
    single, worth = c.pnl_single(con_id)
    r.check("pnl.single", single == 7, single)
    r.check("pnl.single-value", close_to(worth / 7 or 1, quote), worth)
    ended = c.completed()
    states = {status for status, _, _ in ended}
    r.check("completed.orders", {"Filled", "Cancelled"} <= states, states)
    filled = [done for status, ref, done in ended if ref == "holds"]
    r.check("completed.filled", filled == [7], filled)
    c.place(symbol, "SELL", 7, "MKT", ref="closes")


def run(adapter):
    """The scenario; ends the process with 1 when an assertion failed."""
    host, port = sys.argv[1], int(sys.argv[2])
    symbols = sys.argv[3].split(",")
    r = Report()
    c = adapter
    session(c, r, host, port)
    con_id = contracts(c, r, symbols[0])
    quote = quotes(c, r, symbols[0])
    depth(c, r, symbols, quote)
    ticks(c, r, symbols[0], quote)
    history(c, r, symbols[0])
    single_orders(c, r, symbols[0], quote)
    far_bracket(c, r, symbols[0], quote)
    bracket(c, r, symbols[0])
    account(c, r, symbols[0], con_id, quote)
    c.disconnect()
    for name in NAMES:
        if name not in r.seen and name not in c.lacks:
            print(json.dumps({"name": name, "ok": False, "seen": "never checked"}), flush=True)
            r.failed += 1
    sys.exit(1 if r.failed else 0)
