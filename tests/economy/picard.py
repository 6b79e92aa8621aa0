"""The equations of the economy written plainly in numpy, and their plain damped iteration: an independent oracle."""

import numpy as np


def gaps(m, lab, wage):
    """Sales over wage bills and choices over residents, at workers (k, n) and wages (n,); prices and welfare."""
    people = lab.sum(axis=0)
    spend = ((1 - m.subsidy) * wage * lab).sum(axis=0) + m.transfers
    sales, price = np.zeros_like(lab), np.ones(wage.size)
    for k in range(lab.shape[0]):
        a = np.exp(m.log_t[k]) * (wage * (1 - m.subsidy[k])) ** -m.theta[k] * lab[k] ** (m.gamma[k] * m.theta[k])
        offers = m.kernels[m.kernel_of[k]] * a
        shares = offers / offers.sum(axis=1, keepdims=True)
        sales[k] = shares.T @ (m.beta[k] * spend)
        price *= offers.sum(axis=1) ** (-m.beta[k] / m.theta[k])
    utility = np.exp(m.log_b + (1 - m.q) * m.log_h) * (spend / m.q / price) ** m.q / people
    if m.mobility.shape[0]:
        choice = m.mobility * utility**m.eps
        total = choice.sum(axis=1)
        wanted = (choice / total[:, None]).T @ m.registered
        welfare = total ** (1 / m.eps)
    else:
        wanted, welfare = m.registered, utility
    return sales / ((1 - m.subsidy) * wage * lab), wanted / people, price, welfare


def picard(m, damping=0.25, tolerance=1e-9, limit=20000):
    """Wages and labour move a quarter of the way to what the equations ask, as in the published toolkits."""
    n = m.log_b.size
    lab = m.beta[:, None] * np.full(n, m.registered.sum() / n)
    if not m.mobility.shape[0]:
        lab = m.beta[:, None] * m.registered
    wage = np.ones(n)
    for count in range(1, limit + 1):  # noqa: B007 - counted
        sold, wanted, _, _ = gaps(m, lab, wage)
        if max(np.abs(sold - 1).max(), np.abs(wanted - 1).max()) < tolerance:
            break
        people = lab.sum(axis=0)
        wage = wage * ((lab * sold).sum(axis=0) / people) ** damping
        lab = lab * sold**damping
        lab *= people * wanted**damping / lab.sum(axis=0)
        wage = wage / ((1 - m.subsidy) * wage * lab).sum()
    return lab, wage, count


def published(m, damping=0.25, tolerance=1e-9, limit=2000):
    """One industry and one pool of people, by the two nested loops of Redding and Rossi-Hansberg (2017).

    As in the program to their paper: inside, wages move a quarter of the way to ``w (expenditure / income)^(1/theta)``
    until the market for goods clears; outside, people move a quarter of the way to ``L (wanted / L)^(1/(eps (1-q)))``.
    Theirs stops where both agree to six decimals; here both loops stop on the log gap of the equations.
    """
    n = m.log_b.size
    theta, reach, total = m.theta[0], m.gamma[0] * m.theta[0], m.registered.sum()
    lab, wage = np.full(n, total / n), np.ones(n)
    ease, made = m.kernels[0], np.exp(m.log_t[0])
    count = 0
    for _ in range(limit):
        for _ in range(limit):
            offers = ease * (made * lab**reach * wage**-theta)
            shares = offers / offers.sum(axis=1)[:, None]
            income = wage * lab
            spent = shares.T @ income
            count += 1
            if np.abs(np.log(spent / income)).max() < tolerance:
                break
            wage = damping * wage * (spent / income) ** (1 / theta) + (1 - damping) * wage
            wage /= np.exp(np.log(wage).mean())
        price = offers.sum(axis=1) ** (-1 / theta)
        draw = (np.exp(m.log_b + (1 - m.q) * m.log_h) * (income / m.q / price) ** m.q / lab) ** m.eps
        wanted = total * draw / draw.sum()
        if np.abs(np.log(wanted / lab)).max() < tolerance:
            break
        lab = damping * lab * (wanted / lab) ** (1 / (m.eps * (1 - m.q))) + (1 - damping) * lab
    return lab, wage / income.sum(), count
