package freeport

import "testing"

// close frees the blocks of a pool, as the end of its process does.
func (p *pool) close() {
	for _, mark := range p.marks {
		_ = mark.Close()
	}
}

// Two pools are in place of two processes. All ports stay free, as those of servers that are down.
func TestAPortIsGivenOnce(t *testing.T) {
	t.Parallel()
	var one, other pool
	defer one.close()
	defer other.close()
	given := map[int]bool{}
	for range 3 * blockPorts {
		for _, p := range []*pool{&one, &other} {
			port, err := p.find()
			if err != nil {
				t.Fatal(err)
			}
			if given[port] {
				t.Fatalf("port %d was given twice", port)
			}
			given[port] = true
		}
	}
}

func TestAPortThatIsUsedIsNotGiven(t *testing.T) {
	t.Parallel()
	var p pool
	defer p.close()
	port, err := p.find()
	if err != nil {
		t.Fatal(err)
	}
	server, err := listen(port)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	p.release(port)
	for range 2 * blockPorts {
		if other, err := p.find(); err != nil || other == port {
			t.Fatalf("got port %d, error %v, want another port than %d", other, err, port)
		}
	}
}

func TestReleasedPortsAreGivenAgain(t *testing.T) {
	t.Parallel()
	var p pool
	defer p.close()
	for range 10 * blockPorts {
		port, err := p.find()
		if err != nil {
			t.Fatal(err)
		}
		p.release(port)
	}
	if len(p.marks) != 1 {
		t.Errorf("got %d blocks for one port at a time, want 1", len(p.marks))
	}
}
