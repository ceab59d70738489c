"""NautilusTrader's BacktestEngine over quotes from a file, with a probe or without.

nautilus.py QUOTES EVERY: at every EVERY-th quote the probe sends a limit order for one share that
rests 1 % behind the near touch, on the two sides in turn, and cancels it at the next quote; 0 is
never. Prints one JSON object. The time is that of `run` alone: quotes, venue and strategy are there
before; logging is bypassed, analysis is off.
"""

import json
import struct
import sys
import time

import nautilus_trader
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

ID = InstrumentId.from_str("AAPL.XNAS")


class Probe(Strategy):
    """Takes every quote and orders now and then."""

    def __init__(self, every):
        super().__init__()
        self.every = every
        self.seen = 0
        self.sent = 0
        self.order = None
        self.one = Quantity.from_int(1)

    def on_start(self):
        self.subscribe_quote_ticks(ID)

    def on_quote_tick(self, tick):
        self.seen += 1
        if self.order is not None:
            self.cancel_order(self.order)
            self.order = None
        if self.every and self.seen % self.every == 0:
            buys = self.sent % 2 == 0
            self.sent += 1
            side = OrderSide.BUY if buys else OrderSide.SELL
            near = float(tick.bid_price) * 0.99 if buys else float(tick.ask_price) * 1.01
            self.order = self.order_factory.limit(ID, side, self.one, Price(near, 2))
            self.submit_order(self.order)


def equity():
    return Equity(
        instrument_id=ID,
        raw_symbol=Symbol("AAPL"),
        currency=USD,
        price_precision=2,
        price_increment=Price.from_str("0.01"),
        lot_size=Quantity.from_int(1),
        ts_event=0,
        ts_init=0,
    )


def quotes(path):
    """Five little-endian numbers a quote: time, bid and ask in cents, what they hold."""
    with open(path, "rb") as file:
        data = file.read()
    return [
        QuoteTick(
            ID,
            Price(bid / 100, 2),
            Price(ask / 100, 2),
            Quantity(bid_qty, 0),
            Quantity(ask_qty, 0),
            ts,
            ts,
        )
        for ts, bid, ask, bid_qty, ask_qty in struct.iter_unpack("<5q", data)
    ]


def main():
    path, every = sys.argv[1], int(sys.argv[2])
    engine = BacktestEngine(
        BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False)
    )
    engine.add_venue(
        venue=Venue("XNAS"),
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USD,
        starting_balances=[Money(1_000_000, USD)],
    )
    engine.add_instrument(equity())
    probe = Probe(every)
    engine.add_strategy(probe)
    data = quotes(path)
    engine.add_data(data)
    begin = time.perf_counter()
    engine.run()
    seconds = time.perf_counter() - begin
    result = engine.get_result()
    assert probe.seen == len(data), f"{probe.seen} of {len(data)} quotes only"
    report = {
        "seconds": seconds,
        "quotes": len(data),
        "orders": result.total_orders,
        "version": f"nautilus_trader {nautilus_trader.__version__}, "
        f"Python {sys.version.split()[0]}",
    }
    print(json.dumps(report))


main()
