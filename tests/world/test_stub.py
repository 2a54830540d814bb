from playworld.world.stub import StubEngine, StubWorld, paint, read

MOST = 2**32 - 1


def test_a_painted_frame_says_whose_it_is_and_which():
    assert [read(paint(*it).numpy()) for it in ((0, 0), (7, 3), (MOST, MOST))] == [
        (0, 0),
        (7, 3),
        (MOST, MOST),
    ]


def test_sessions_that_share_a_pass_get_their_own_frames():
    world = StubWorld(1.0)
    engine = StubEngine(world, workers=1)
    picture = world.prompts()[0][1][None]
    now = [engine.start(picture, seed).result() for seed in range(20)]
    for number in (1, 2):
        now = [future.result() for future in [engine.step(one.state, 0) for one in now]]
        assert [read(one.frame.numpy()) for one in now] == [(seed, number) for seed in range(20)]
    engine.close()
    assert max(engine.ticks) > 1
