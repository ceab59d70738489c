"""Drives the broker's own Python client: `native.py HOST PORT SYMBOLS old|stable`."""

import sys
import threading
import time

from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.scanner import ScannerSubscription
from ibapi.wrapper import EWrapper

from scenario import BAR_PATIENCE, Adapter, Ladder, run

STABLE = sys.argv[4] == "stable"
if STABLE:
    from ibapi.order_cancel import OrderCancel


class Native(Adapter, EWrapper, EClient):
    version = 226 if STABLE else 157

    def __init__(self):
        Adapter.__init__(self)
        EWrapper.__init__(self)
        EClient.__init__(self, self)
        self.next_id = None
        self.next_req = 9_000
        self.accounts = None
        self.answers = {}  # req -> list
        self.ended = set()  # req
        self.quotes = {}
        self.ladders = {}
        self.mine = {}  # order id -> (contract, order)
        self.ended_orders = []
        self.worth = {}
        self.values = {}

    # What the server says.

    def nextValidId(self, orderId):
        self.next_id = orderId

    def managedAccounts(self, accountsList):
        self.accounts = accountsList.split(",")

    def error(self, reqId, *rest):
        # The stable one puts a time in front of the code.
        code = rest[1] if STABLE else rest[0]
        self.errors.append((reqId, code))

    def answer(self, req, value):
        self.answers.setdefault(req, []).append(value)

    def currentTime(self, time):
        self.answer("time", time)

    def contractDetails(self, reqId, contractDetails):
        self.answer(reqId, contractDetails)

    def contractDetailsEnd(self, reqId):
        self.ended.add(reqId)

    def tickPrice(self, reqId, tickType, price, attrib):
        name = {1: "bid", 2: "ask", 4: "last"}.get(tickType)
        if name and price > 0:
            self.quotes[reqId][name] = price

    def tickSize(self, reqId, tickType, size):
        name = {0: "bid_size", 3: "ask_size"}.get(tickType)
        if name:
            self.quotes[reqId][name] = float(size)

    def tickGeneric(self, reqId, tickType, value):
        name = {46: "shortable", 49: "halted"}.get(tickType)
        if name:
            self.quotes[reqId][name] = value

    def tickString(self, reqId, tickType, value):
        parts = value.split(";")
        if tickType == 48 and len(parts) == 6 and parts[5] in ("true", "false"):
            self.quotes[reqId]["rt_volume"] = float(parts[3])

    def updateMktDepth(self, reqId, position, operation, side, price, size):
        self.ladders[reqId].row(position, operation, side, price, float(size))

    def updateMktDepthL2(self, reqId, position, marketMaker, operation, side, price, size,
                         isSmartDepth):
        self.ladders[reqId].row(position, operation, side, price, float(size))

    def tickByTickAllLast(self, reqId, tickType, time, price, size, *rest):
        self.answer(reqId, (price, float(size)))

    def tickByTickBidAsk(self, reqId, time, bidPrice, askPrice, *rest):
        self.answer(reqId, (bidPrice, askPrice))

    def historicalData(self, reqId, bar):
        self.answer(reqId, {"date": bar.date, "open": bar.open, "high": bar.high,
                            "low": bar.low, "close": bar.close})

    def historicalDataEnd(self, reqId, start, end):
        self.ended.add(reqId)

    def headTimestamp(self, reqId, headTimestamp):
        self.answer(reqId, headTimestamp)

    def historicalSchedule(self, reqId, startDateTime, endDateTime, timeZone, sessions):
        for session in sessions:
            self.answer(reqId, session.refDate)
        self.ended.add(reqId)

    def realtimeBar(self, reqId, time, open_, high, low, close, volume, wap, count):
        self.answer(reqId, {"open": open_, "high": high, "low": low,
                            "close": close})

    def scannerData(self, reqId, rank, contractDetails, *rest):
        self.answer(reqId, (rank, contractDetails.contract.symbol))

    def scannerDataEnd(self, reqId):
        self.ended.add(reqId)

    def openOrder(self, orderId, contract, order, orderState):
        entry = self.orders.setdefault(orderId, {"filled": 0.0, "remaining": 0.0})
        entry["status"] = orderState.status
        entry["parent"] = order.parentId
        entry["limit"] = order.lmtPrice
        entry["quantity"] = float(order.totalQuantity)
        if order.whatIf:
            self.answer(orderId, orderState)

    def orderStatus(self, orderId, status, filled, remaining, avgFillPrice, *rest):
        entry = self.orders.setdefault(orderId, {})
        entry.update(status=status, filled=float(filled), remaining=float(remaining),
                     average=avgFillPrice)

    def symbolSamples(self, reqId, contractDescriptions):
        self.answer(reqId, {d.contract.symbol for d in contractDescriptions})

    def marketRule(self, marketRuleId, priceIncrements):
        self.answer("rule", [(step.lowEdge, step.increment) for step in priceIncrements])

    def historicalTicksLast(self, reqId, ticks, done):
        self.answer(reqId, [tick.price for tick in ticks])

    def updateAccountValue(self, key, val, currency, accountName):
        self.values[key] = val

    def updatePortfolio(self, contract, position, marketPrice, marketValue, *rest):
        if position == 7:
            self.worth[contract.symbol] = marketValue

    def execDetails(self, reqId, contract, execution):
        e = execution
        self.answer(("executions", reqId), e.execId)
        self.executions[e.execId] = {
            "order": e.orderId, "side": e.side, "shares": float(e.shares), "price": e.price,
            "cumulative": float(e.cumQty), "ref": e.orderRef,
        }

    def execDetailsEnd(self, reqId):
        self.ended.add(reqId)

    def commissionReport(self, commissionReport):
        self.commissions[commissionReport.execId] = commissionReport.commission

    def commissionAndFeesReport(self, commissionAndFeesReport):
        report = commissionAndFeesReport
        self.commissions[report.execId] = report.commissionAndFees

    def position(self, account, contract, position, avgCost):
        self.positions[contract.symbol] = float(position)
        self.costs[contract.symbol] = avgCost

    def accountSummary(self, reqId, account, tag, value, currency):
        self.summary[tag] = value

    def pnl(self, reqId, dailyPnL, *rest):
        # Both a request of ours and a callback of theirs bear this name.
        self.answer(reqId, dailyPnL)

    def pnlSingle(self, reqId, pos, dailyPnL, unrealizedPnL, realizedPnL, value):
        self.answer(reqId, (float(pos), value))

    def completedOrder(self, contract, order, orderState):
        done = float(order.filledQuantity)
        self.ended_orders.append((orderState.status, order.orderRef, done))

    def completedOrdersEnd(self):
        self.ended.add("completed")


class Client(Adapter):
    """The scenario's side of it; the library's own names stay its own."""

    version = Native.version
    # The older one has no such request.
    lacks = frozenset() if STABLE else frozenset({"history.schedule"})

    def __init__(self):
        self.tws = Native()
        self.orders = self.tws.orders
        self.executions = self.tws.executions
        self.commissions = self.tws.commissions
        self.errors = self.tws.errors
        self.positions = self.tws.positions
        self.costs = self.tws.costs
        self.summary = self.tws.summary

    def work(self, seconds):
        time.sleep(seconds)

    def req(self):
        self.tws.next_req += 1
        self.tws.answers[self.tws.next_req] = []
        return self.tws.next_req

    def until_end(self, req):
        self.wait(lambda: req in self.tws.ended or any(i == req for i, _ in self.errors))
        return self.tws.answers.get(req, [])

    def first(self, req):
        self.wait(lambda: self.tws.answers.get(req))
        return next(iter(self.tws.answers.get(req, [])), None)

    def connect(self, host, port):
        self.tws.connect(host, port, 4)
        threading.Thread(target=self.tws.run, daemon=True).start()
        self.wait(lambda: self.tws.next_id is not None and self.tws.accounts)
        return {"version": self.tws.serverVersion(), "accounts": self.tws.accounts or [""],
                "next_id": self.tws.next_id or 0}

    def disconnect(self):
        self.tws.disconnect()

    def server_time(self):
        self.tws.reqCurrentTime()
        return self.first("time") or 0

    def contract(self, symbol):
        contract = Contract()
        contract.symbol, contract.secType = symbol, "STK"
        contract.exchange, contract.currency = "SMART", "USD"
        return contract

    def details(self, symbol):
        req = self.req()
        self.tws.reqContractDetails(req, self.contract(symbol))
        return [{
            "con_id": d.contract.conId, "min_tick": d.minTick,
            "liquid_hours": d.liquidHours, "time_zone": d.timeZoneId,
            "market_rules": d.marketRuleIds,
        } for d in self.until_end(req)]

    def symbols(self, pattern):
        req = self.req()
        self.tws.reqMatchingSymbols(req, pattern)
        return self.first(req) or set()

    def market_rule(self, rule):
        self.tws.reqMarketRule(rule)
        return self.first("rule") or []

    def past_ticks(self, symbol):
        req = self.req()
        end = time.strftime("%Y%m%d-%H:%M:%S", time.gmtime())
        self.tws.reqHistoricalTicks(
            req, self.contract(symbol), "", end, 20, "TRADES", 0, False, [])
        return self.first(req) or []

    def quote(self, symbol, generic):
        req = self.req()
        self.tws.quotes[req] = {}
        self.tws.reqMktData(req, self.contract(symbol), generic, False, False, [])
        return self.tws.quotes[req]

    def depth(self, symbol, rows):
        req = self.req()
        self.tws.ladders[req] = Ladder()
        self.tws.reqMktDepth(req, self.contract(symbol), rows, False, [])
        return self.tws.ladders[req]

    def ticks(self, symbol, what):
        req = self.req()
        self.tws.reqTickByTickData(req, self.contract(symbol), what, 0, False)
        return self.tws.answers[req]

    def history(self, symbol):
        req = self.req()
        self.tws.reqHistoricalData(
            req, self.contract(symbol), "", "1800 S", "1 min", "TRADES", 0, 1, False, [])
        return self.until_end(req)

    def head_timestamp(self, symbol):
        req = self.req()
        self.tws.reqHeadTimeStamp(req, self.contract(symbol), "TRADES", 0, 1)
        return self.first(req) or ""

    def schedule(self, symbol):
        req = self.req()
        self.tws.reqHistoricalData(
            req, self.contract(symbol), "", "5 D", "1 day", "SCHEDULE", 1, 1, False, [])
        return self.until_end(req)

    def real_time_bar(self, symbol):
        req = self.req()
        self.tws.reqRealTimeBars(req, self.contract(symbol), 5, "TRADES", False, [])
        self.wait(lambda: self.tws.answers.get(req), BAR_PATIENCE)
        return self.first(req)

    def scan(self):
        wanted = ScannerSubscription()
        wanted.instrument, wanted.locationCode = "STK", "STK.US.MAJOR"
        wanted.scanCode = "MOST_ACTIVE"
        req = self.req()
        self.tws.reqScannerSubscription(req, wanted, [], [])
        return list(self.until_end(req))

    def send(self, symbol, order):
        number = self.tws.next_id
        self.tws.next_id += 1
        contract = self.contract(symbol)
        self.tws.mine[number] = (contract, order)
        self.tws.placeOrder(number, contract, order)
        return number

    def order(self, action, qty, kind, limit=0.0, **more):
        order = Order()
        order.action, order.orderType, order.tif = action, kind, "DAY"
        order.totalQuantity = qty
        if not STABLE:
            order.eTradeOnly = order.firmQuoteOnly = False
        if kind == "LMT":
            order.lmtPrice = limit
        for name, value in more.items():
            setattr(order, name, value)
        return order

    def place(self, symbol, action, qty, kind, limit=0.0, ref=""):
        return self.send(symbol, self.order(action, qty, kind, limit, orderRef=ref))

    def change(self, order, limit):
        contract, wish = self.tws.mine[order]
        wish.lmtPrice = limit
        self.tws.placeOrder(order, contract, wish)

    def cancel(self, order):
        if STABLE:
            self.tws.cancelOrder(order, OrderCancel())
        else:
            self.tws.cancelOrder(order)

    cancel_unknown = cancel

    def global_cancel(self):
        if STABLE:
            self.tws.reqGlobalCancel(OrderCancel())
        else:
            self.tws.reqGlobalCancel()

    def what_if(self, symbol, action, qty, limit):
        number = self.send(symbol, self.order(action, qty, "LMT", limit, whatIf=True))
        state = self.first(number)
        if state is None:
            return 0.0, 0.0
        fee = state.commissionAndFees if STABLE else state.commission
        return float(state.initMarginChange), fee

    def bracket(self, symbol, qty, limit, stop, target, ref):
        parent = self.send(
            symbol, self.order("BUY", qty, "LMT", limit, orderRef=ref, transmit=False))
        out = self.send(symbol, self.order(
            "SELL", qty, "STP", orderRef=ref, transmit=False, auxPrice=stop, parentId=parent))
        aim = self.send(symbol, self.order(
            "SELL", qty, "LMT", target, orderRef=ref, transmit=True, parentId=parent))
        return parent, out, aim

    def executions_again(self):
        req = self.req()
        self.tws.reqExecutions(req, ExecutionFilter())
        self.until_end(req)
        return set(self.tws.answers.get(("executions", req), []))

    def want_positions(self):
        self.tws.reqPositions()

    def want_summary(self, tags):
        self.tws.reqAccountSummary(self.req(), "All", tags)

    def pnl(self):
        req = self.req()
        self.tws.reqPnL(req, self.tws.accounts[0], "")
        return self.first(req)

    def pnl_single(self, con_id):
        req = self.req()
        self.tws.reqPnLSingle(req, self.tws.accounts[0], "", con_id)
        return self.first(req) or (0, 0.0)

    def account_updates(self, symbol):
        self.tws.reqAccountUpdates(True, self.tws.accounts[0])
        self.wait(lambda: "NetLiquidation" in self.tws.values and symbol in self.tws.worth)
        return float(self.tws.values.get("NetLiquidation", 0)), self.tws.worth.get(symbol, 0.0)

    def completed(self):
        self.tws.reqCompletedOrders(True)
        self.wait(lambda: "completed" in self.tws.ended)
        return self.tws.ended_orders


run(Client())
