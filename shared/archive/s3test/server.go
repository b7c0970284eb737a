package s3test

import (
	"fmt"
	"net"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// A Server is a bucket on a port of 127.0.0.1.
type Server struct {
	*Service
	URL    string
	server *http.Server
}

// smallPage is how many keys a page of a Server's list has, so that tests meet several pages.
const smallPage = 3

// Start starts a server with an empty bucket. The caller closes it.
func Start(bucket string) *Server {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(fmt.Sprintf("no port is free on 127.0.0.1: %v", err))
	}
	service := New(bucket)
	service.pageSize = smallPage
	s := &Server{
		Service: service,
		URL:     "http://" + listener.Addr().String(),
		server:  &http.Server{Handler: service},
	}
	go func() { _ = s.server.Serve(listener) }() // returns when Close is called
	return s
}

// Close ends the calls that hang and stops the server.
func (s *Server) Close() {
	s.Service.Close()
	_ = s.server.Close()
}

// Config is an AWS configuration with which a client reaches the server.
func (s *Server) Config() aws.Config {
	return aws.Config{
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("id", "key", ""),
		BaseEndpoint: &s.URL,
	}
}
