package history

import "fmt"

// Recorder writes for one sequential process. It is not for several goroutines.
type Recorder struct {
	writer   *Writer
	name     string
	workload string
	lives    int
}

// NewRecorder records under a name that nobody else uses.
func NewRecorder(writer *Writer, name, workload string) *Recorder {
	return &Recorder{writer: writer, name: name, workload: workload}
}

// Name is the name that it was given.
func (r *Recorder) Name() string { return r.name }

// process is the name of the present life: after info it is another one.
func (r *Recorder) process() string {
	if r.lives == 0 {
		return r.name
	}
	return fmt.Sprintf("%s#%d", r.name, r.lives)
}

// Invoke writes that something is asked for and returns the event, to be completed and handed to End.
func (r *Recorder) Invoke(event Event) Event {
	event.Type, event.Process, event.Workload, event.At = Invoke, r.process(), r.workload, Now()
	r.write(event)
	return event
}

// End writes how an operation ended.
func (r *Recorder) End(event Event, how Type, err error) {
	event.Type, event.At = how, Now()
	if err != nil {
		event.Error = err.Error()
	}
	r.write(event)
	if how == Info {
		r.lives++
	}
}

// Note writes something that is no operation.
func (r *Recorder) Note(event Event) {
	event.Type, event.Process, event.Workload = Note, r.process(), r.workload
	if event.At == 0 {
		event.At = Now()
	}
	r.write(event)
}

// write gives up the process when its history cannot be written: what it does from now on could not be judged.
func (r *Recorder) write(event Event) {
	if err := r.writer.Write(event); err != nil {
		panic(fmt.Sprintf("the history cannot be written: %v", err))
	}
}
