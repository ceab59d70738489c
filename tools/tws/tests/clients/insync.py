"""Drives ib_async or ib_insync: `insync.py HOST PORT SYMBOLS MODULE`."""

import datetime
import importlib
import math
import sys

from scenario import BAR_PATIENCE, Adapter, Ladder, run

ib = importlib.import_module(sys.argv[4])


def number(value):
    return None if value is None or (isinstance(value, float) and math.isnan(value)) else value


class Quote:
    """A ticker as a table."""

    NAMES = {
        "bid": "bid", "ask": "ask", "last": "last", "bid_size": "bidSize",
        "ask_size": "askSize", "halted": "halted", "shortable": "shortable",
        "rt_volume": "rtVolume",
    }

    def __init__(self, ticker):
        self.ticker = ticker

    def get(self, name):
        return number(getattr(self.ticker, self.NAMES[name], None))

    def __getitem__(self, name):
        return self.get(name)

    def __repr__(self):
        return repr(self.ticker)


class Depth(Ladder):
    """The library keeps the ladder itself."""

    def __init__(self, ticker):
        self.ticker = ticker

    def bids(self):
        return [(level.price, level.size) for level in self.ticker.domBids]

    def asks(self):
        return [(level.price, level.size) for level in self.ticker.domAsks]


class Insync(Adapter):
    version = 178 if sys.argv[4] == "ib_async" else 176
    # The older one knows how many shares can be borrowed, and not the level.
    lacks = frozenset() if sys.argv[4] == "ib_async" else frozenset({"quote.shortable"})

    def __init__(self):
        super().__init__()
        self.ib = ib.IB()
        self.ib.RequestTimeout = 20
        self.trades = {}
        self.known = {}
        self.ib.errorEvent += lambda req, code, *rest: self.errors.append((req, code))
        self.ib.execDetailsEvent += self.on_fill
        self.ib.commissionReportEvent += self.on_commission

    def work(self, seconds):
        self.ib.sleep(seconds)
        for order, trade in self.trades.items():
            status = trade.orderStatus
            self.orders[order] = {
                "status": status.status, "filled": status.filled,
                "remaining": status.remaining, "parent": trade.order.parentId,
                "limit": trade.order.lmtPrice, "quantity": trade.order.totalQuantity,
                "average": status.avgFillPrice,
            }

    def on_fill(self, trade, fill):
        e = fill.execution
        self.executions[e.execId] = {
            "order": e.orderId, "side": e.side, "shares": e.shares, "price": e.price,
            "cumulative": e.cumQty, "ref": e.orderRef,
        }

    def on_commission(self, trade, fill, report):
        self.commissions[report.execId] = report.commission

    def connect(self, host, port):
        self.ib.connect(host, port, clientId=3, timeout=20)
        return {
            "version": self.ib.client.serverVersion(),
            "accounts": self.ib.managedAccounts(),
            "next_id": self.ib.client.getReqId(),
        }

    def disconnect(self):
        self.ib.disconnect()

    def server_time(self):
        return self.ib.reqCurrentTime().timestamp()

    def contract(self, symbol):
        if symbol not in self.known:
            self.known[symbol] = ib.Stock(symbol, "SMART", "USD")
            self.ib.qualifyContracts(self.known[symbol])
        return self.known[symbol]

    def details(self, symbol):
        found = self.ib.reqContractDetails(ib.Stock(symbol, "SMART", "USD"))
        return [{
            "con_id": d.contract.conId, "min_tick": d.minTick,
            "liquid_hours": d.liquidHours, "time_zone": d.timeZoneId,
            "market_rules": d.marketRuleIds,
        } for d in found]

    def symbols(self, pattern):
        return {d.contract.symbol for d in self.ib.reqMatchingSymbols(pattern) or []}

    def market_rule(self, rule):
        return [(step.lowEdge, step.increment) for step in self.ib.reqMarketRule(rule) or []]

    def past_ticks(self, symbol):
        ticks = self.ib.reqHistoricalTicks(
            self.contract(symbol), "", datetime.datetime.now(datetime.timezone.utc), 20,
            "TRADES", False)
        return [tick.price for tick in ticks]

    def quote(self, symbol, generic):
        return Quote(self.ib.reqMktData(self.contract(symbol), generic))

    def depth(self, symbol, rows):
        return Depth(self.ib.reqMktDepth(self.contract(symbol), rows))

    def ticks(self, symbol, what):
        seen = []
        ticker = self.ib.reqTickByTickData(self.contract(symbol), what)

        def on_update(ticker):
            for tick in ticker.tickByTicks:
                if what == "Last" and hasattr(tick, "price"):
                    seen.append((tick.price, tick.size))
                if what == "BidAsk" and hasattr(tick, "bidPrice"):
                    seen.append((tick.bidPrice, tick.askPrice))

        ticker.updateEvent += on_update
        return seen

    def history(self, symbol):
        bars = self.ib.reqHistoricalData(
            self.contract(symbol), "", "1800 S", "1 min", "TRADES", False)
        return [{"date": b.date, "open": b.open, "high": b.high, "low": b.low,
                 "close": b.close} for b in bars]

    def head_timestamp(self, symbol):
        return str(self.ib.reqHeadTimeStamp(self.contract(symbol), "TRADES", False, 1))

    def schedule(self, symbol):
        told = self.ib.reqHistoricalSchedule(self.contract(symbol), 5)
        return [session.refDate for session in told.sessions]

    def real_time_bar(self, symbol):
        bars = self.ib.reqRealTimeBars(self.contract(symbol), 5, "TRADES", False)
        self.wait(lambda: bars, BAR_PATIENCE)
        return {"low": bars[0].low, "open": bars[0].open_, "high": bars[0].high,
                "close": bars[0].close} if bars else None

    def scan(self):
        wanted = ib.ScannerSubscription(
            instrument="STK", locationCode="STK.US.MAJOR", scanCode="MOST_ACTIVE")
        rows = self.ib.reqScannerData(wanted)
        return [(row.rank, row.contractDetails.contract.symbol) for row in rows]

    def order(self, action, qty, kind, limit=0.0, **more):
        if kind == "LMT":
            more["lmtPrice"] = limit
        return ib.Order(action=action, totalQuantity=qty, orderType=kind, tif="DAY", **more)

    def place(self, symbol, action, qty, kind, limit=0.0, ref=""):
        trade = self.ib.placeOrder(
            self.contract(symbol), self.order(action, qty, kind, limit, orderRef=ref))
        self.trades[trade.order.orderId] = trade
        return trade.order.orderId

    def change(self, order, limit):
        # The library shows the wish at once; only what the server then says is to count.
        trade = self.trades[order]
        before = trade.order.lmtPrice
        trade.order.lmtPrice = limit
        self.ib.placeOrder(trade.contract, trade.order)
        trade.order.lmtPrice = before

    def cancel(self, order):
        self.ib.cancelOrder(self.trades[order].order)

    def cancel_unknown(self, order):
        if sys.argv[4] == "ib_async":
            self.ib.client.cancelOrder(order, "")
        else:
            self.ib.client.cancelOrder(order)

    def global_cancel(self):
        self.ib.reqGlobalCancel()

    def what_if(self, symbol, action, qty, limit):
        state = self.ib.whatIfOrder(
            self.contract(symbol), self.order(action, qty, "LMT", limit))
        return float(state.initMarginChange), state.commission

    def bracket(self, symbol, qty, limit, stop, target, ref):
        parent = self.order("BUY", qty, "LMT", limit, orderRef=ref, transmit=False)
        parent.orderId = self.ib.client.getReqId()
        out = self.order("SELL", qty, "STP", orderRef=ref, transmit=False, auxPrice=stop)
        aim = self.order("SELL", qty, "LMT", target, orderRef=ref, transmit=True)
        ids = []
        for order in (parent, out, aim):
            if order is not parent:
                order.parentId = parent.orderId
            trade = self.ib.placeOrder(self.contract(symbol), order)
            self.trades[trade.order.orderId] = trade
            ids.append(trade.order.orderId)
        return ids

    def executions_again(self):
        return {fill.execution.execId for fill in self.ib.reqExecutions()}

    def want_positions(self):
        for position in self.ib.reqPositions():
            self.positions[position.contract.symbol] = position.position
            self.costs[position.contract.symbol] = position.avgCost

    def want_summary(self, tags):
        for value in self.ib.accountSummary():
            self.summary[value.tag] = value.value

    def pnl(self):
        found = self.ib.reqPnL(self.ib.managedAccounts()[0])
        self.wait(lambda: number(found.dailyPnL) is not None)
        return number(found.dailyPnL)

    def pnl_single(self, con_id):
        found = self.ib.reqPnLSingle(self.ib.managedAccounts()[0], "", con_id)
        self.wait(lambda: found.position)
        return found.position, found.value or 0.0

    def account_updates(self, symbol):
        # The library subscribes to them when it connects.
        def worth():
            own = [item for item in self.ib.portfolio() if item.contract.symbol == symbol]
            return own[0].marketValue if own and own[0].position == 7 else 0.0

        self.wait(worth)
        values = [v.value for v in self.ib.accountValues() if v.tag == "NetLiquidation"]
        return float(values[0]) if values else 0.0, worth()

    def completed(self):
        return [(trade.orderStatus.status, trade.order.orderRef, trade.order.filledQuantity)
                for trade in self.ib.reqCompletedOrders(True)]


run(Insync())
